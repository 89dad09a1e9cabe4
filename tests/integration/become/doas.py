"""doas for the lab: ansible-core ships none.  As community.general's: `-n` without a password, else its prompt is answered."""

from __future__ import annotations

import shlex

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: doas
short_description: doas, for the lab
description: Become another user with doas(1).
options:
  become_user: {description: who, default: root, vars: [{name: ansible_become_user}]}
  become_exe: {description: program, default: doas, vars: [{name: ansible_become_exe}]}
  become_flags: {description: options, default: '', vars: [{name: ansible_become_flags}]}
  become_pass: {description: password, vars: [{name: ansible_become_password}, {name: ansible_become_pass}]}
"""


class BecomeModule(BecomeBase):
    name = "doas"
    fail = ("Authentication failed", "Operation not permitted")
    missing = ("Authorization required",)

    def check_password_prompt(self, b_output: bytes) -> bool:
        return b"password: " in b_output.lower()

    def build_become_command(self, cmd: str, shell: object) -> str:
        super().build_become_command(cmd, shell)
        self.prompt = True
        flags = "" if self.get_option("become_pass") else "-n"
        success = self._build_success_command(cmd, shell, noexe=True)
        return f"doas {flags} -u {shlex.quote(self.get_option('become_user'))} /bin/sh -c {success}"

#!/bin/sh
# image-setup.sh: runs inside a new image, once, at the end of its build: users, ways to become root, quiet units.
# Usage: image-setup.sh USER_PASSWORD ROOT_PASSWORD
set -eu
user_pw=$1 root_pw=$2
PATH=/usr/sbin:/usr/bin:/sbin:/bin

hash_pw() { openssl passwd -6 -salt quantumsafelab "$1"; }

uid=2001
for user in ops opspw opsdoas opstty nopriv noisy; do
    useradd -m -u "$uid" -U -s /bin/bash -p '*' "$user"
    uid=$((uid + 1))
done
usermod -p "$(hash_pw "$user_pw")" opspw
usermod -p "$(hash_pw "$root_pw")" root

cat > /etc/sudoers.d/lab <<'SUDO'
ops    ALL=(ALL:ALL) NOPASSWD: ALL
noisy  ALL=(ALL:ALL) NOPASSWD: ALL
opstty ALL=(ALL:ALL) NOPASSWD: ALL
opspw  ALL=(ALL:ALL) ALL
Defaults:opstty requiretty
SUDO
chmod 0440 /etc/sudoers.d/lab
visudo -cqf /etc/sudoers.d/lab

cat > /etc/doas.conf <<'DOAS'
permit nopass opsdoas as root
permit opspw as root
DOAS
chmod 0400 /etc/doas.conf

# A login shell that talks: what people put into their start files, before the "am I interactive" line.
for file in .bashrc .profile; do
    {
        echo "echo \"*** Welcome to \$(hostname), managed by the platform team ***\""
        echo 'echo "{\"changed\": false, \"note\": \"this line only looks like a module result\"}"'
        echo 'echo "load: 0.00, 3 updates can be applied; last noise of '"$file"'"'
        cat "/home/noisy/$file"
    } > "/home/noisy/$file.new"
    mv "/home/noisy/$file.new" "/home/noisy/$file"
done
chown noisy:noisy /home/noisy/.bashrc /home/noisy/.profile

# Host keys come from the lab; a container that someone starts from the image elsewhere (Molecule) makes its own.
rm -f /etc/ssh/ssh_host_*key*
cat > /etc/systemd/system/lab-hostkeys.service <<'UNIT'
[Unit]
Description=Make ssh host keys where there are none
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable lab-hostkeys.service

# Units that cannot work, or only make noise, in a container.
for unit in getty.target console-getty.service systemd-logind.service systemd-udevd.service systemd-remount-fs.service \
    systemd-networkd.socket systemd-hostnamed.socket systemd-timesyncd.service dev-hugepages.mount dev-mqueue.mount \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer logrotate.timer systemd-journald-audit.socket; do
    systemctl mask "$unit" >/dev/null 2>&1 || :
done
systemctl disable nftables.service >/dev/null 2>&1 || :
systemctl set-default multi-user.target >/dev/null

rm -f /etc/nginx/sites-enabled/default
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/hostname

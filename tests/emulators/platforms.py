"""The emulated platforms, as a test sees them: what starts, how a person enters, and where the lists of the SSH server stand.

Configurations are synthetic; what begins with CANARY may be found nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

ENABLE = "an-enable-secret"

_IOS = """\
version {train}
hostname edge1
!
username {user} secret 9 CANARY-secret
archive
 path flash:archive
 maximum 10
!
crypto ikev2 proposal OLD
 encryption aes-cbc-256 3des
 integrity sha256
 group 14
!
snmp-server community CANARY-community RO
interface GigabitEthernet1
 description the uplink, not found in any plan
 ip address 192.0.2.1 255.255.255.0
!
ip ssh version 2
{ssh}line vty 0 4
 transport input ssh
!
end
"""
_EOS = """\
hostname edge1
!
username {user} privilege 15 secret sha512 CANARY-secret
!
snmp-server community CANARY-community ro
!
interface Management1
   description the uplink, not found in any plan
   ip address 192.0.2.1/24
!
ip security
   ike policy OLD
      encryption 3des
      integrity sha256
      dh-group 14
!
management ssh
{ssh}!
end
"""
_JUNOS = """\
set version {train}
set system host-name edge1
set system login user {user} class super-user
set system login user {user} authentication encrypted-password CANARY-secret
set system services ssh root-login deny
{ssh}set interfaces ge-0/0/0 description "the uplink, not found in any plan"
set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24
set snmp community CANARY-community authorization read-only
set security ike proposal OLD authentication-method pre-shared-keys
set security ike proposal OLD dh-group group14
set security ike proposal OLD authentication-algorithm sha-256
set security ike proposal OLD encryption-algorithm 3des-cbc
set security ike policy SITES proposals OLD
set security ike gateway BRANCH ike-policy SITES
set security ipsec proposal LEGACY protocol esp
set security ipsec proposal LEGACY authentication-algorithm hmac-sha-256-128
set security ipsec proposal LEGACY encryption-algorithm 3des-cbc
set security ipsec policy OVER proposals LEGACY
"""
_VYOS = """\
set interfaces ethernet eth0 address '192.0.2.1/24'
set interfaces ethernet eth0 description 'the uplink, not found in any plan'
{ssh}set service snmp community CANARY-community authorization 'ro'
set service https tls-version '1.2'
set system config-management commit-confirm action 'reload'
set system config-management commit-revisions '100'
set system host-name 'edge1'
set system login user {user} authentication encrypted-password 'CANARY-secret'
set vpn ipsec esp-group CHILD pfs 'dh-group14'
set vpn ipsec esp-group CHILD proposal 10 encryption '3des'
set vpn ipsec esp-group CHILD proposal 10 hash 'sha256'
set vpn ipsec ike-group OLD key-exchange 'ikev2'
set vpn ipsec ike-group OLD lifetime '3600'
set vpn ipsec ike-group OLD proposal 1 dh-group '14'
set vpn ipsec ike-group OLD proposal 1 encryption '3des'
set vpn ipsec ike-group OLD proposal 1 hash 'sha256'
set vpn ipsec site-to-site peer branch authentication mode 'pre-shared-secret'
set vpn ipsec site-to-site peer branch default-esp-group 'CHILD'
set vpn ipsec site-to-site peer branch ike-group 'OLD'
set vpn ipsec site-to-site peer branch remote-address '192.0.2.2'
"""
_KEX = ("curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group14-sha1")


@dataclass(frozen=True)
class Platform:
    """system: its ansible_network_os.  head: what stands before a list of its SSH server.  enter: what a person types first.  privileged: there is `enable`."""

    system: str
    train: str
    release: str
    startup: str
    ssh: str
    head: str
    enter: tuple[str, ...]
    privileged: bool = False


# What some tests add to the lines of SSH: tunnels whose proposals and transform sets are named.
TUNNELS = {
    "ios": """\
crypto ikev2 policy SITES
 match fvrf any
 proposal OLD
crypto ipsec transform-set LEGACY esp-aes 256 esp-sha-hmac
 mode transport
crypto ipsec profile OVER
 set transform-set LEGACY
"""
}

# The same of EOS: the profile of its API, in either of its spellings, and one that others name, too.
_API = """\
management api http-commands
   protocol https port {port}
   protocol https ssl profile API
   no shutdown
!
management security
   ssl profile API
      tls versions 1.0 1.2
      {suites}
      certificate api.crt key api.key
   !
   ssl profile RADSEC
      tls versions 1.0 1.2
!
radius-server host 192.0.2.3 tls ssl-profile RADSEC key 7 CANARY-radius
management api gnmi
   transport grpc default
      ssl profile RADSEC
!
"""
_SUITES = "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-GCM-SHA256"


def api_of_eos(release: str, port: int) -> str:
    """For `ssh` of a device."""
    word = "cipher v1.0" if int(release.split(".")[1]) >= 32 else "cipher-list"
    return PLATFORMS["eos"].ssh + _API.format(port=port, suites=f"{word} {_SUITES}")


PLATFORMS = {
    "ios": Platform(
        "cisco.ios.ios",
        "26.1",
        "26.01.01",
        _IOS,
        "ip ssh server algorithm kex curve25519-sha256 diffie-hellman-group14-sha256 diffie-hellman-group14-sha1\n",
        "ip ssh server algorithm {} ",
        ("enable", ENABLE, "terminal length 0"),
        privileged=True,
    ),
    "eos": Platform(
        "arista.eos.eos",
        "4.31.2F",
        "4.31.2F",
        _EOS,
        f"   key-exchange {' '.join(_KEX)}\n",
        "   {} ",
        ("enable", ENABLE, "terminal length 0"),
        privileged=True,
    ),
    "junos": Platform(
        "junipernetworks.junos.junos",
        "23.4R1.10",
        "23.4R1.10",
        _JUNOS,
        "".join(f"set system services ssh key-exchange {one}\n" for one in (*_KEX[:2], "dh-group14-sha1")),
        "set system services ssh {} ",
        ("set cli screen-length 0",),
    ),
    "vyos": Platform(
        "vyos.vyos.vyos",
        "1.5",
        "1.5-rolling-202410060007",
        _VYOS,
        "".join(f"set service ssh key-exchange '{one}'\n" for one in _KEX),
        "set service ssh {} ",
        ("set terminal length 0",),
    ),
}

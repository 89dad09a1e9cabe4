"""Where certificates, keys and trust anchors lie, and what says who renews them.  Data.

Sources: FHS 3.0; update-ca-certificates(8), update-ca-trust(8); the packages of Debian and Fedora for each daemon; the manuals of certbot,
acme.sh, lego, dehydrated, certmonger, step; RFC 8894 (SCEP), RFC 7030 (EST), IEEE 802.1AR and 802.1X for device enrolment.
"""

from __future__ import annotations

from .rotate import OTHERS

# Folders that hold nothing else, so that every file in them is looked at, whatever its name.
WHOLE = (
    *("/etc/ssl", "/etc/ssh", "/etc/pki/tls", "/etc/pki/CA", "/etc/pki/nginx", "/etc/pki/ca-trust/source", "/etc/pki/libvirt", "/etc/pki/product"),
    *("/etc/ca-certificates/trust-source", "/usr/local/share/ca-certificates", "/usr/share/pki/trust/anchors", "/etc/pki/trust/anchors"),
    *("/etc/letsencrypt/live", "/etc/letsencrypt/archive", "/var/lib/acme", "/etc/dehydrated/certs", "/var/lib/dehydrated/certs"),
    *("/etc/ipsec.d", "/etc/swanctl", "/etc/strongswan", "/etc/nginx/tls", "/etc/nginx/ssl", "/etc/nginx/certs", "/etc/haproxy/certs"),
    *("/etc/haproxy/ssl", "/etc/postgresql-common", "/etc/stunnel", "/etc/openvpn", "/etc/cockpit/ws-certs.d", "/etc/kubernetes/pki"),
)
# Folders of daemons and applications, in which the name of a file must say that it is one.
NAMED = (
    *("/etc/nginx", "/etc/apache2", "/etc/httpd", "/etc/haproxy", "/etc/caddy", "/etc/traefik", "/etc/postfix", "/etc/dovecot", "/etc/exim4"),
    *("/etc/postgresql", "/var/lib/postgresql", "/var/lib/pgsql", "/etc/mysql", "/var/lib/mysql", "/etc/redis", "/etc/mongodb", "/etc/ldap"),
    *("/etc/openldap", "/etc/dirsrv", "/etc/ipa", "/etc/rabbitmq", "/etc/mosquitto", "/etc/kafka", "/etc/freeradius", "/etc/raddb", "/etc/unbound"),
    *("/etc/wpa_supplicant", "/etc/NetworkManager", "/etc/docker", "/etc/containerd", "/etc/kubernetes", "/var/lib/kubelet/pki", "/etc/etcd"),
    *("/etc/vault.d", "/etc/consul.d", "/etc/nomad.d", "/etc/puppetlabs/puppet/ssl", "/var/lib/puppet/ssl", "/etc/salt/pki", "/etc/cups/ssl"),
    *("/etc/rsyslog.d", "/etc/syslog-ng", "/etc/grafana", "/etc/prometheus", "/etc/elasticsearch", "/etc/tomcat9", "/etc/tomcat10", "/etc/xrdp"),
    *("/root/.acme.sh", "/root/.lego", "/var/lib/lego", "/var/lib/caddy", "/root/.step", "/etc/step-ca", "/etc/step", "/etc/easy-rsa", "/root/ca"),
    *("/etc/letsencrypt", "/opt", "/srv", "/usr/local/etc"),
)
NAMES = (
    *("*.pem", "*.crt", "*.cer", "*.cert", "*.der", "*.key", "*.p12", "*.pfx", "*.jks", "*.jceks", "*.keystore", "*.truststore"),
    *("*.p7b", "*.p7c", "*.csr", "*.crl", "*.ovpn", "ssh_host_*_key", "*.pub"),
)
# What the distribution trusts, as one file; the first that is there.  Debian, Alpine, Arch; Fedora, RHEL; SUSE; Alpine, BSD.
BUNDLES = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    *("/var/lib/ca-certificates/ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"),
)
# Where an administrator adds to it.
ANCHORS = (
    *("/usr/local/share/ca-certificates/", "/etc/pki/ca-trust/source/anchors/", "/etc/ca-certificates/trust-source/anchors/"),
    *("/usr/share/pki/trust/anchors/", "/etc/pki/trust/anchors/"),
)
# id → what is there when the host has such a client.
CLIENTS = {
    "certbot": ("/etc/letsencrypt/renewal/*.conf", "/etc/letsencrypt/renewal", "/usr/bin/certbot", "/snap/bin/certbot"),
    "acme.sh": ("/root/.acme.sh/account.conf", "/root/.acme.sh"),
    "lego": ("/root/.lego/certificates", "/var/lib/lego", "/usr/bin/lego", "/usr/local/bin/lego"),
    "dehydrated": ("/etc/dehydrated/config", "/usr/bin/dehydrated"),
    "certmonger": ("/var/lib/certmonger/requests/*", "/usr/sbin/certmonger"),
    "caddy": ("/var/lib/caddy/.local/share/caddy/certificates",),
    "step": ("/root/.step/config/defaults.json", "/etc/step/config/defaults.json"),
}
ENROLMENT = {
    "scep": ("/etc/sscep", "/etc/sscep.conf", "/usr/bin/sscep", "/etc/strongswan.d/scepclient.conf"),
    "est": ("/etc/libest", "/etc/estclient", "/usr/bin/estclient", "/usr/local/bin/estclient"),
    "802.1x": ("/etc/wpa_supplicant/*.conf", "/etc/NetworkManager/system-connections/*802*"),
    "802.1ar": ("/etc/iotedge", "/etc/aziot", "/usr/share/iot-identity", "/etc/devid"),
}
AUTHORITIES = {
    "step-ca": ("/etc/step-ca/config/ca.json", "/root/.step/config/ca.json"),
    "easy-rsa": ("/etc/easy-rsa/pki", "/etc/openvpn/easy-rsa/pki"),
    "openssl ca": ("/etc/pki/CA/serial", "/etc/ssl/demoCA/serial", "/root/ca/serial"),
}
# A folder → who renews what lies there, besides those that a rotation minds.
RENEWERS = {**OTHERS, "/root/.lego/": "lego", "/var/lib/lego/": "lego", "/var/lib/dehydrated/": "dehydrated", "/etc/dehydrated/": "dehydrated"}
RENEWERS |= {"/var/lib/caddy/": "caddy", "/var/lib/kubelet/pki/": "kubelet", "/etc/ssl/certs/ssl-cert-snakeoil.pem": "nobody (made at installation)"}
TIMERS = ("certbot", "acme", "lego", "dehydrated", "certmonger", "step", "cert-renew", "crypto-agility")

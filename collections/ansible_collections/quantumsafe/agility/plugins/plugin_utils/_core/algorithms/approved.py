"""What NIST approves for use in a FIPS 140-3 module.  That a binary implements it, and that its module was validated, are other questions.

Sources: SP 800-140C and D with what they name: SP 800-56A r3 appendix D (groups), SP 800-56B r2, SP 800-38A, C and D (AES), SP 800-131A r2,
FIPS 180-4, 186-5, 198-1, 202, 203, 204 and 205; SP 800-56C r2 section 2: one approved part makes a hybrid exchange approved, for the secrets
of the others only join it.  A signature needs all of its parts, for each is checked by itself.
"""

from __future__ import annotations

import re

_CURVES = r"secp(224|256|384|521)r1|ecdh-sha2-nistp(256|384|521)|ECP_(224|256|384|521)"
_FIELDS = r"ffdhe\d+|modp(2048|3072|4096|6144|8192)|MODP_(2048|3072|4096|6144|8192)|diffie-hellman-group1[468]-sha(256|512)"
_LATTICE = r"ML-?KEM-?(512|768|1024)|ML_KEM_(512|768|1024)|id-alg-ml-kem-(512|768|1024)|ML-DSA-(44|65|87)|slh-?dsa.*"
_EDWARDS = r"(ssh-)?ed(25519|448)(ph|-cert-v01@openssh\.com)?"
_ECDSA = r"ECDSA(-P(256|384|521))?|EC|ecdsa_secp.*_sha(256|384|512)|(webauthn-)?(sk-)?ecdsa-sha2-nistp.*|(id-)?ecdsa(-with-|_)sha[235].*"
_RSA = r"RSA(-([2-9]\d{3}|\d{5}))?|rsa_p.*_sha[235].*|rsa-sha2-.*|sha[235].*WithRSAEncryption|id-rsassa-.*|RSA-signature|Digital-Signature"
_AES = r"aes(128|192|256)-(gcm@openssh\.com|ctr|cbc)|ENCR_AES_(GCM|CCM|CBC|CTR)(_\d+)?-\d+|ENCR_NULL_AUTH_AES_GMAC-\d+|AES-\d+-(GCM|CBC)"
_MACS = r"hmac-sha[12](-\d+)*(-etm)?|HMAC(-SHA(1|256|384|512))?|AUTH_(HMAC_SHA|AES_CMAC).*|CMAC"
_HASHES = r"SHA-?(1|2|224|256|384|512)(/\d+)?|SHA3-\d+|SHAKE(128|256)|PRF_HMAC_SHA.*|PRF_AES128_CMAC|tls_prf_sha(256|384)"

_APPROVED = re.compile("|".join((_CURVES, _FIELDS, _LATTICE, _EDWARDS, _ECDSA, _RSA, _AES, _MACS, _HASHES)), re.IGNORECASE)
_SUITE = re.compile(r"AES-\d+-(GCM|CCM(-?8)?|CBC)")
ANY_PART = ("key_exchange", "key")  # where one approved part is enough


def is_approved(id_: str, aspect: str, parts: tuple[str, ...], cipher: str) -> bool:
    """An algorithm by its catalogue id, a composition by its parts, a suite by its cipher.  A version is no algorithm: nothing speaks against it."""
    if aspect == "version":
        return True
    if parts:
        good = [_APPROVED.fullmatch(part) is not None for part in parts]
        return any(good) if aspect in ANY_PART else all(good)
    return bool(_SUITE.fullmatch(cipher) if cipher else _APPROVED.fullmatch(id_))

#!/bin/sh
# Verify a scanned health card code with curl and OpenSSL 3 alone:  sh docs/examples/verify_scan.sh CODE [demo.json]
# To see what goes over the wire; a terminal should use a session (terminal_session.py).  With METHOD, TARGET,
# QUERY (as it is signed: encoded, names sorted) and BODY (a file) in the environment it makes that call instead.
set -eu
CODE=$1
DEMO=${2:-var/demo.json}
METHOD=${METHOD:-POST}
TARGET=${TARGET:-/partner/v1/verifications}
QUERY=${QUERY:-}
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

field() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$DEMO" | head -n 1; }
sm3() { openssl dgst -sm3 -r "$1" | cut -d ' ' -f 1; }
raw() { openssl asn1parse -genstr "FORMAT:HEX,OCTETSTRING:$1" -noout -out "$DIR/octets" && tail -c 64 "$DIR/octets"; }
SM2=1.2.156.10197.1.301
ID=distid:1234567812345678

# 1. The keys, from hex to what OpenSSL reads.
cat > "$DIR/private.cnf" <<END
asn1=SEQUENCE:key
[key]
version=INTEGER:1
private=FORMAT:HEX,OCTETSTRING:$(field private_key_hex)
curve=EXPLICIT:0,OID:$SM2
public=EXPLICIT:1,FORMAT:HEX,BITSTRING:$(field public_key_hex)
END
cat > "$DIR/platform.cnf" <<END
asn1=SEQUENCE:key
[key]
algorithm=SEQUENCE:algorithm
public=FORMAT:HEX,BITSTRING:$(field platform_public_key_hex)
[algorithm]
type=OID:id-ecPublicKey
curve=OID:$SM2
END
openssl asn1parse -genconf "$DIR/private.cnf" -noout -out "$DIR/private.der"
openssl asn1parse -genconf "$DIR/platform.cnf" -noout -out "$DIR/platform.der"
openssl ec -inform DER -in "$DIR/private.der" -out "$DIR/private.pem" 2> "$DIR/log"
openssl pkey -pubin -inform DER -in "$DIR/platform.der" -pubout -out "$DIR/platform.pem"

# 2. The body and the string to sign.
if [ -z "${BODY:-}" ]; then
    BODY=$DIR/body
    : > "$BODY"
    [ "$METHOD" = GET ] ||
        printf '{"code":"%s","scene":"010101","terminal_id":"%s"}' "$CODE" "$(field terminal_id)" > "$BODY"
fi
TIMESTAMP=$(date +%s)000
NONCE=$(openssl rand -hex 16)
printf '%s\n' "$METHOD" "$TARGET" "$QUERY" "$(sm3 "$BODY")" \
    "$(field app_id)" "$(field key_id)" "$TIMESTAMP" "$NONCE" > "$DIR/text"

# 3. The signature: OpenSSL gives ASN.1, the call wants r and s, 32 bytes each, in base64.
openssl dgst -sm3 -sigopt $ID -sign "$DIR/private.pem" -out "$DIR/signature" "$DIR/text"
RS=$(openssl asn1parse -inform DER -in "$DIR/signature" |
    awk -F: '/INTEGER/ { n = $NF; while (length(n) < 64) n = "0" n; printf "%s", n }')
SIGNATURE=$(raw "$RS" | openssl base64 -A)

# 4. The call.
[ "$METHOD" = GET ] || set -- --data-binary "@$BODY" -H 'Content-Type: application/json'
[ "$METHOD" = GET ] && set --
STATUS=$(curl -sS -X "$METHOD" "$@" -D "$DIR/headers" -o "$DIR/reply" -w '%{http_code}' \
    -H "X-App-Id: $(field app_id)" -H "X-Key-Id: $(field key_id)" \
    -H "X-Timestamp: $TIMESTAMP" -H "X-Nonce: $NONCE" -H 'X-Sign-Type: SM2' -H "X-Signature: $SIGNATURE" \
    "$(field api)$TARGET${QUERY:+?$QUERY}")

# 5. The reply's signature; a 401 has none.
header() { tr -d '\r' < "$DIR/headers" | sed -n "s/^$1: //Ip"; }
if [ "$STATUS" != 401 ]; then
    printf '%s\n' "$STATUS" "$(sm3 "$DIR/reply")" "$(header X-Timestamp)" "$NONCE" > "$DIR/text"
    RS=$(header X-Signature | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
    R=$(printf %s "$RS" | cut -c 1-64)
    S=$(printf %s "$RS" | cut -c 65-128)
    printf 'asn1=SEQUENCE:rs\n[rs]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$R" "$S" > "$DIR/rs.cnf"
    openssl asn1parse -genconf "$DIR/rs.cnf" -noout -out "$DIR/signature"
    openssl dgst -sm3 -sigopt $ID -verify "$DIR/platform.pem" -signature "$DIR/signature" "$DIR/text"
fi
echo "$STATUS"
cat "$DIR/reply"
echo
case $STATUS in 2??) ;; *) exit 1 ;; esac

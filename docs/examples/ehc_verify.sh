#!/bin/sh
# Verify a scanned code in the dialect ehc.* with curl and OpenSSL 3 alone:  sh docs/examples/ehc_verify.sh CODE [demo.json]
# The plaintext rule in hex, as the demo's hospital speaks it.  To see what goes over the wire (docs/dialects.md).
set -eu
CODE=$1
DEMO=${2:-var/demo.json}
field() { sed -n '/"ehc": {/,/}/p' "$DEMO" | sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" | head -n 1; }
API=$(sed -n 's/.*"api": "\([^"]*\)".*/\1/p' "$DEMO" | head -n 1)
APP=$(field app_id)
TERMINAL=$(field terminal_id)
SECRET=$(field app_secret)
KEY=$(printf %s "$SECRET" | od -An -v -tx1 | tr -d ' \n')
NOW=$(date +%s)000

# 1. The content, and the content encrypted.
PLAIN="{\"ehealth_code\":\"$CODE\",\"medstepcode\":\"010101\",\"terminalcode\":\"$TERMINAL\"}"
SENT=$(printf %s "$PLAIN" | openssl enc -sm4-ecb -K "$KEY" | od -An -v -tx1 | tr -d ' \n')

# 2. The digest, over the plain content.
TEXT="app_id=$APP&biz_content=$PLAIN&digest_type=SM3&enc_type=SM4&method=ehc.ehealthcode.verify"
TEXT="$TEXT&term_id=$TERMINAL&timestamp=$NOW&version=X.M.0.1&app_secret=$SECRET"
DIGEST=$(printf %s "$TEXT" | openssl dgst -sm3 -r | cut -d ' ' -f 1)

# 3. The call.
REPLY=$(curl -sS -H 'Content-Type: application/json' "$API/erhc/ehealthcard/business.do" --data-binary @- <<END
{"app_id":"$APP","biz_content":"$SENT","digest":"$DIGEST","digest_type":"SM3","enc_type":"SM4",
 "method":"ehc.ehealthcode.verify","term_id":"$TERMINAL","timestamp":"$NOW","version":"X.M.0.1"}
END
)

# 4. What came of it.  printf of octal codes turns hex back into bytes.
part() { printf %s "$REPLY" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
echo "$(part code) $(part msg)"
[ "$(part code)" = "$(field success_code)" ] || exit 1
CONTENT=$(part biz_content)
CONTENT=$(printf '%b' "$(printf %s "$CONTENT" | sed 's/../\\0x&/g' | awk -F '\\\\0x' '
    function digit(c) { return index("0123456789abcdef", c) - 1 }
    { for (i = 2; i <= NF; i++) printf "\\0%03o", digit(substr($i, 1, 1)) * 16 + digit(substr($i, 2, 1)) }')" |
    openssl enc -d -sm4-ecb -K "$KEY")
TOLD=$(printf %s "biz_content=$CONTENT&code=$(part code)&msg=$(part msg)&app_secret=$SECRET" |
    openssl dgst -sm3 -r | cut -d ' ' -f 1)
[ "$TOLD" = "$(part digest)" ] || { echo "the reply is not the platform's" >&2; exit 1; }
echo "$CONTENT"

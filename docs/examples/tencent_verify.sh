#!/bin/sh
# Verify a scanned code in the Tencent style with curl and OpenSSL alone:  sh docs/examples/tencent_verify.sh CODE [demo.json]
# To see what goes over the wire (docs/dialects.md).
set -eu
CODE=$1
DEMO=${2:-var/demo.json}
field() { sed -n '/"tencent": {/,/}/p' "$DEMO" | sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" | head -n 1; }
API=$(sed -n 's/.*"api": "\([^"]*\)".*/\1/p' "$DEMO" | head -n 1)/rest/auth/HealthCard
SECRET=$(field app_secret)
HOSPITAL=$(field hospital_id)

sign() { printf %s "$1$SECRET" | openssl dgst -sha256 -binary | openssl base64 -A; }
# ask PATH TOKEN REQ TEXT: TEXT is what is signed, with @ID and @NOW where id and time of the call stand.
ask() {
    ID=$(openssl rand -hex 16)
    NOW=$(date +%s)
    SIGN=$(sign "$(printf %s "$4" | sed "s/@ID/$ID/;s/@NOW/$NOW/")")
    curl -sS -H 'Content-Type: application/json' "$API$1" --data-binary @- <<END
{"commonIn":{"appToken":"$2","requestId":"$ID","hospitalId":"$HOSPITAL","timestamp":"$NOW","channelNum":"0",
 "sign":"$SIGN"},"req":$3}
END
}

# 1. The token; nothing empty is signed, so neither is the token that is not there yet.
APP=$(field app_id)
REPLY=$(ask /HealthOpenAuth/AuthObj/getAppToken '' "{\"appId\":\"$APP\"}" \
    "appId=$APP&channelNum=0&hospitalId=$HOSPITAL&requestId=@ID&timestamp=@NOW")
TOKEN=$(printf %s "$REPLY" | sed -n 's/.*"appToken":"\([^"]*\)".*/\1/p')
[ -n "$TOKEN" ] || { echo "$REPLY"; exit 1; }

# 2. The scan: fields of both objects, by name.
TERMINAL=$(field terminal_id)
REPLY=$(ask /HealthOpenPlatform/ISVOpenObj/verifyQRCode "$TOKEN" \
    "{\"qrCodeText\":\"$CODE\",\"terminalId\":\"$TERMINAL\",\"medicalStep\":\"010101\"}" \
    "appToken=$TOKEN&channelNum=0&hospitalId=$HOSPITAL&medicalStep=010101&qrCodeText=$CODE&requestId=@ID&terminalId=$TERMINAL&timestamp=@NOW")
echo "$REPLY"
case $REPLY in *'"resultCode":0,'*) ;; *) exit 1 ;; esac

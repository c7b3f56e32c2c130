"""WeChat's mini-program back end: login, phone number, access tokens, subscription messages.

Logins that a test can make up: the js code `wx:<name>` is the person <name>, always with the same openid;
`wx:<name>:<anything>` is the same person's further logins, because a code works once. The phone code
`phone:<11 digits>`, or `phone:<11 digits>:<anything>`, gives that phone, also once.
"""

import base64
import hashlib
import re
import secrets
from collections import Counter, deque
from typing import Any

from tornado.httputil import HTTPServerRequest

from sandbox.config import Wechat
from sandbox.service import Answer, Clock, Route, error_answer, json_answer, json_object, query_argument
from sandbox.wechat_tokens import AccessTokens
from sandbox.wechat_wire import OK, TEXT, WechatError, argument_fault, errors_as_answers, posted_object

JS_CODE = re.compile(r"wx:([^:]+)(?::.*)?")
PHONE_CODE = re.compile(r"phone:(1\d{10})(?::.*)?")
OPENID = re.compile(r"o[0-9A-Za-z_-]{27}")
KEPT_MESSAGES = 1000


def openid_of(app_id: str, name: str) -> str:
    """The openid the app sees for <name>: 28 characters, the same for ever."""
    digest = hashlib.sha256(f"{app_id}/{name}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]


class WechatPlatform:
    """One mini-program's view of WeChat."""

    def __init__(self, config: Wechat, now: Clock) -> None:
        self._config = config
        self._now = now
        self._tokens = AccessTokens(config, now)
        self._used_codes: set[str] = set()
        self._credits: Counter[tuple[str, str]] = Counter()
        self._messages: deque[dict[str, Any]] = deque(maxlen=KEPT_MESSAGES)

    def routes(self) -> list[Route]:
        """WeChat's own paths, and two doors of ours: the messages sent, and a prompt accepted."""
        wire = {
            "sns/jscode2session": {"GET": self._log_in},
            "cgi-bin/token": {"GET": self._tokens.issue, "POST": self._tokens.issue},
            "cgi-bin/stable_token": {"POST": self._tokens.issue_stable, "GET": _require_post},
            "wxa/business/getuserphonenumber": {"POST": self._phone_number, "GET": _require_post},
            "cgi-bin/message/subscribe/send": {"POST": self._send, "GET": _require_post},
        }
        routes = [
            Route(
                f"/wechat/{path}",
                {method: errors_as_answers(work, self._now) for method, work in works.items()},
                door="wechat",
            )
            for path, works in wire.items()
        ]
        routes.append(Route("/wechat/messages", {"GET": self._list_messages}))
        routes.append(Route("/wechat/prompts", {"POST": self._accept_prompt}))
        return routes

    def _log_in(self, request: HTTPServerRequest) -> Answer:
        """?appid&secret&js_code&grant_type=authorization_code → {session_key, openid}."""
        self._tokens.require_app(query_argument(request, "appid"), query_argument(request, "secret"))
        if query_argument(request, "grant_type") != "authorization_code":
            raise WechatError(40002, "invalid grant_type")
        code = query_argument(request, "js_code")
        if not code:
            raise WechatError(41008, "missing code")
        match = JS_CODE.fullmatch(code)
        if match is None:
            raise WechatError(40029, "invalid code")
        if code in self._used_codes:
            raise WechatError(40163, "code been used")
        self._used_codes.add(code)
        session_key = base64.b64encode(secrets.token_bytes(16)).decode()
        openid = openid_of(self._config.app_id, match[1])
        return json_answer({"session_key": session_key, "openid": openid}, content_type=TEXT)

    def _phone_number(self, request: HTTPServerRequest) -> Answer:
        """?access_token, {code} → {phone_info}; unlike a js code, a used phone code is merely invalid."""
        self._tokens.require_token(query_argument(request, "access_token"))
        code = str(posted_object(request).get("code", ""))
        match = PHONE_CODE.fullmatch(code)
        if match is None or code in self._used_codes:
            raise WechatError(40029, "invalid code")
        self._used_codes.add(code)
        watermark = {"timestamp": int(self._now()), "appid": self._config.app_id}
        phone_info = {
            "phoneNumber": match[1],
            "purePhoneNumber": match[1],
            "countryCode": "86",
            "watermark": watermark,
        }
        return json_answer({**OK, "phone_info": phone_info})

    def _send(self, request: HTTPServerRequest) -> Answer:
        """?access_token, {touser, template_id, data, page?, …} → {msgid}; takes one credit if it is sent."""
        self._tokens.require_token(query_argument(request, "access_token"))
        body = posted_object(request)
        openid, template_id, data = body.get("touser"), body.get("template_id"), body.get("data")
        if not isinstance(openid, str) or not OPENID.fullmatch(openid):
            raise WechatError(40003, "invalid openid")
        templates = self._config.templates
        if not isinstance(template_id, str) or (templates and template_id not in templates):
            raise WechatError(40037, "invalid template_id")
        if fault := argument_fault(data, templates.get(template_id, [])):
            raise WechatError(47003, f"argument invalid! {fault}")
        if self._credits[openid, template_id] < 1:
            raise WechatError(43101, "user refuse to accept the msg")
        self._credits[openid, template_id] -= 1
        message_id = 3_000_000_000_000_000_000 + secrets.randbelow(10**18)
        kept = {name: body.get(name) for name in ("template_id", "data", "page", "miniprogram_state", "lang")}
        self._messages.append({"openid": openid, **kept, "msgid": message_id, "sent_at": int(self._now())})
        return json_answer({**OK, "msgid": message_id})

    def _list_messages(self, request: HTTPServerRequest) -> Answer:
        """?openid= → {"messages": [{openid, template_id, data, …, msgid, sent_at (s)}]}, the newest last."""
        openid = query_argument(request, "openid")
        messages = [message for message in self._messages if openid in ("", message["openid"])]
        return json_answer({"messages": messages})

    def _accept_prompt(self, request: HTTPServerRequest) -> Answer:
        """{openid, template_id}: the person tapped "allow" once more → 201 {openid, template_id, credits}."""
        body = json_object(request)
        openid, template_id = body.get("openid"), body.get("template_id")
        if not isinstance(openid, str) or not OPENID.fullmatch(openid) or not isinstance(template_id, str):
            return error_answer(422, "prompt.malformed", "A prompt needs an openid and a template_id")
        self._credits[openid, template_id] += 1
        credits = self._credits[openid, template_id]
        return json_answer({"openid": openid, "template_id": template_id, "credits": credits}, 201)


def _require_post(request: HTTPServerRequest) -> Answer:
    raise WechatError(43002, "require POST method")

"""The text-message gateway, and the page on which somebody trying the demo reads the code."""

import re
import secrets
from collections import OrderedDict, deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from string import Formatter

from tornado.httputil import HTTPServerRequest

from sandbox.pages import page
from sandbox.service import Answer, Clock, Route, error_answer, json_answer, json_object, query_argument
from sandbox.signed import SignatureCheck

KEPT_MESSAGES = 500
PHONE = re.compile(r"1[3-9]\d{9}")

# A gateway approves texts beforehand and lets the caller fill in the gaps. What is not named in a
# template's params is taken from DEFAULT_PARAMS.
TEMPLATES = {
    "login_code": "【电子健康卡】验证码 {code}，{minutes} 分钟内有效，请勿告诉他人。",
    "phone_code": "【电子健康卡】您正在验证这个手机号，验证码 {code}，{minutes} 分钟内有效，请勿告诉他人。",
    "consent_code": "【电子健康卡】家人在为您领健康卡，同意就告诉家人验证码 {code}，{minutes} 分钟内有效。",
    "factor_code": "【电子健康卡】您在办理健康卡业务，验证码 {code}，{minutes} 分钟内有效，请勿告诉他人。",
    "card_notice": "【电子健康卡】{subject}。请打开电子健康卡查看。",
    "visit_reminder": "【电子健康卡】{subject}：{institution}，{when}。{note}。",
    "visit_changed": "【电子健康卡】{subject}：{institution}，{when}。请打开电子健康卡查看。",
    "queue_called": "【电子健康卡】请到{institution}{place}就诊。",
    "hospital_notice": "【电子健康卡】{institution}：{subject}。请打开电子健康卡查看。",
    "card_ready": "【电子健康卡】您的电子健康卡已办好，可在手机上出示使用。",
    "card_refused": "【电子健康卡】您的电子健康卡没有办成：{reason}。请核对姓名和证件号码后再试一次。",
    "card_used": "【电子健康卡】您的健康卡刚在{institution}使用（{scene_name}）。如非本人，请立即挂失。",
}
DEFAULT_PARAMS = {"minutes": "5"}


@dataclass(frozen=True)
class TextMessage:
    """One message as the phone got it; `sent_at` in whole seconds, ISO-8601 UTC."""

    phone: str
    template: str
    params: dict[str, str]
    text: str
    sent_at: str

    @property
    def code(self) -> str:
        """The login code in it, or nothing."""
        return self.params.get("code", "")


class SmsGateway:
    """Takes messages and keeps the last 500."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._messages: deque[TextMessage] = deque(maxlen=KEPT_MESSAGES)
        self._taken: OrderedDict[str, str] = OrderedDict()

    def routes(self, check: SignatureCheck) -> list[Route]:
        """The gateway's own path, and two ways to look at what arrived: for a person and for a test."""
        return [
            Route("/sms/v1/messages", {"POST": self._accept}, door="sms", admit=check.admit),
            Route("/sms/messages", {"GET": self._list}),
            Route("/sms/?", {"GET": self._show}),
        ]

    def list_messages(self, phone: str = "") -> list[TextMessage]:
        """The kept messages in the order they came; of one phone if it is given."""
        return [message for message in self._messages if phone in ("", message.phone)]

    def _accept(self, request: HTTPServerRequest) -> Answer:
        """{phone, template, params, message_id?} → 202 {"message_id"}; 422 for a wrong number, template or
        param.  A `message_id` that came before is answered as before and sent no second time."""
        body = json_object(request)
        own_id = str(body.get("message_id", ""))
        if own_id in self._taken:
            return json_answer({"message_id": self._taken[own_id]}, 202)
        phone, template, params = body.get("phone"), body.get("template"), body.get("params", {})
        if not isinstance(phone, str) or not PHONE.fullmatch(phone):
            return error_answer(422, "phone.invalid", "phone is not a mobile number")
        if template not in TEMPLATES:
            return error_answer(422, "template.unknown", "template is not approved")
        if not isinstance(params, dict):
            return error_answer(422, "params.invalid", "params is not an object")
        given = {str(name): str(value) for name, value in params.items()}
        filled = DEFAULT_PARAMS | given
        needed = {field for _, field, _, _ in Formatter().parse(TEMPLATES[template]) if field}
        if missing := sorted(needed - filled.keys()):
            return error_answer(422, "params.missing", f"params lacks {', '.join(missing)}")
        sent_at = datetime.fromtimestamp(int(self._now()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = TEMPLATES[template].format_map(filled)
        self._messages.append(TextMessage(phone, template, given, text, sent_at))
        number = f"sms-{secrets.token_hex(8)}"
        if own_id:
            self._taken[own_id] = number
            if len(self._taken) > KEPT_MESSAGES:
                self._taken.popitem(last=False)
        return json_answer({"message_id": number}, 202)

    def _list(self, request: HTTPServerRequest) -> Answer:
        """?phone= → {"messages": [{phone, template, params, text, sent_at}]}, the newest last."""
        messages = self.list_messages(query_argument(request, "phone"))
        return json_answer({"messages": [asdict(message) for message in messages]})

    def _show(self, request: HTTPServerRequest) -> Answer:
        """The page with the last 30 messages, the newest on top; it renews itself."""
        return page("sms.html", messages=self.list_messages()[:-31:-1], local_time=local_time)


def local_time(sent_at: str) -> str:
    """`sent_at` as a clock on a wall in China shows it."""
    moment = datetime.fromisoformat(sent_at).timestamp() + 8 * 3600
    return datetime.fromtimestamp(moment, UTC).strftime("%m月%d日 %H:%M:%S")

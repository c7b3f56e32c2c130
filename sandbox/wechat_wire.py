"""How WeChat words things: errors with their request id, and what a subscription-message field may hold."""

import re
import secrets
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from sandbox.service import Answer, Clock, Work, json_answer, json_object

OK = {"errcode": 0, "errmsg": "ok"}

# WeChat answers jscode2session, and every error of it, as plain text that happens to be JSON.
TEXT = "text/plain"

# What a field of the kind may hold (subscribeMessage.send, "parameter limits"). A kind not listed is free.
FIELD_RULES = {
    "thing": re.compile(r".{1,20}"),
    "number": re.compile(r"-?[0-9.]{1,32}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "symbol": re.compile(r"[^\w\s]{1,5}"),
    "character_string": re.compile(r"[\x21-\x7e ]{1,32}"),
    "time": re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{1,2}-\d{1,2})?[ T]?\d{1,2}:\d{2}(:\d{2})?"),
    "date": re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{1,2}-\d{1,2})([ T]\d{1,2}:\d{2}(:\d{2})?)?"),
    "amount": re.compile(r"[¥￥$]?\d{1,10}(\.\d+)?元?"),
    "phone_number": re.compile(r"[0-9+\-() ]{1,17}"),
    "car_number": re.compile(r".{1,8}"),
    "name": re.compile(r"[\u4e00-\u9fff·]{1,10}|[A-Za-z ·.]{1,20}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
}
FIELD_NAME = re.compile(r"([a-z_]+?)\d+")


class WechatError(Exception):
    """One of WeChat's error codes, with the words WeChat puts beside it."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


def errors_as_answers(work: Work, now: Clock) -> Work:
    """The same work, with a WechatError answered as WeChat does: status 200 and the request id in errmsg."""

    def answered(request: HTTPServerRequest) -> Any:
        try:
            return work(request)
        except WechatError as error:
            request_id = f"{int(now()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
            value = {"errcode": error.errcode, "errmsg": f"{error.errmsg} rid: {request_id}"}
            return json_answer(value, content_type=TEXT if "/sns/" in request.path else Answer.content_type)

    return answered


def posted_object(request: HTTPServerRequest) -> dict[str, Any]:
    """The posted JSON object; WeChat's 47001 for anything else."""
    try:
        return json_object(request)
    except HTTPError as error:
        raise WechatError(47001, "data format error") from error


def argument_fault(data: Any, fields: list[str]) -> str | None:
    """What WeChat would find wrong in a message's data: "data.thing1.value invalid", or None.

    `fields` are the template's; every one must be there. Empty: only what is given is checked.
    """
    if not isinstance(data, dict) or not data:
        return "data is empty"
    for field in (*fields, *data):
        given = data.get(field)
        value = given.get("value") if isinstance(given, dict) else None
        if value is None or value == "":
            return f"data.{field}.value is empty"
        kind = FIELD_NAME.fullmatch(field)
        rule = FIELD_RULES.get(kind[1]) if kind else None
        if rule is not None and not rule.fullmatch(str(value)):
            return f"data.{field}.value invalid"
    return None

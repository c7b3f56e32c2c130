"""Alipay's template messages: taken for who has subscribed, one for one accepted prompt."""

import json
import re
import secrets
from collections import Counter, deque
from typing import Any

from tornado.httputil import HTTPServerRequest

from sandbox.service import Answer, Clock, Route, error_answer, json_answer, json_object, query_argument

USER_ID = re.compile(r"2088[0-9]{12}")
KEPT_MESSAGES = 1000


class MessageRefused(Exception):
    """A business failure: the gateway understood the call, and did not do it."""

    def __init__(self, sub_code: str, sub_msg: str) -> None:
        super().__init__(sub_code)
        self.content = {"code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": sub_msg}


class TemplateMessages:
    """alipay.open.app.mini.templatemessage.send, for templates that need a subscription and no form id."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._credits: Counter[tuple[str, str]] = Counter()
        self._messages: deque[dict[str, Any]] = deque(maxlen=KEPT_MESSAGES)

    def routes(self) -> list[Route]:
        """Two doors of ours: the messages sent, and a prompt accepted."""
        return [
            Route("/alipay/messages", {"GET": self._list}),
            Route("/alipay/prompts", {"POST": self._accept_prompt}),
        ]

    def send(self, params: dict[str, str]) -> dict[str, Any]:
        """biz_content {to_user_id, user_template_id, page, data: JSON text of {keyword: {value}}}."""
        try:
            content = json.loads(params.get("biz_content", ""))
            data = json.loads(content["data"])
            user_id, template_id, page = (content[n] for n in ("to_user_id", "user_template_id", "page"))
            is_whole = all(str(one["value"]) for one in data.values()) and bool(data) and bool(page)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise MessageRefused("INVALID_PARAMETER", "参数有误") from None
        if not is_whole or not USER_ID.fullmatch(user_id):
            raise MessageRefused("INVALID_PARAMETER", "参数有误")
        if self._credits[user_id, template_id] < 1:
            raise MessageRefused("USER_NOT_SUBSCRIBE", "用户未订阅该模板")
        self._credits[user_id, template_id] -= 1
        self._messages.append(
            {
                "user_id": user_id,
                "template_id": template_id,
                "page": page,
                "data": data,
                "message_no": secrets.token_hex(8),
                "sent_at": int(self._now()),
            }
        )
        return {"code": "10000", "msg": "Success"}

    def _list(self, request: HTTPServerRequest) -> Answer:
        """?user_id= → {"messages": [{user_id, template_id, page, data, sent_at (s)}]}, the newest last."""
        user_id = query_argument(request, "user_id")
        return json_answer({"messages": [one for one in self._messages if user_id in ("", one["user_id"])]})

    def _accept_prompt(self, request: HTTPServerRequest) -> Answer:
        """{user_id, template_id}: the person tapped "allow" once more → 201 with the credits there are."""
        body = json_object(request)
        user_id, template_id = body.get("user_id"), body.get("template_id")
        if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id) or not isinstance(template_id, str):
            return error_answer(422, "prompt.malformed", "A prompt needs a user_id and a template_id")
        self._credits[user_id, template_id] += 1
        credits = self._credits[user_id, template_id]
        return json_answer({"user_id": user_id, "template_id": template_id, "credits": credits}, 201)

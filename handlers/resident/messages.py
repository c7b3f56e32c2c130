from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from handlers.authentication import ResidentHandler
from handlers.requests import Id, Model, NoContent, Ok, Time, operation
from push.messages.model import Message
from server.core.clock import iso
from server.core.errors import Conflict
from server.core.pages import MAX_PAGE


class MessageView(Model):
    message_id: str
    kind: str
    title: str
    text: str
    created_at: Time
    read_at: Time | None
    data: dict[str, Any]

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        data = {name: iso(v) if isinstance(v, datetime) else v for name, v in message.data.items()}
        return cls(
            message_id=message.message_id,
            kind=message.kind,
            title=message.title,
            text=message.text,
            created_at=message.created_at,
            read_at=message.read_at,
            data=data,
        )


class MessageQuery(Model):
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20


class MessageList(Model):
    messages: list[MessageView]
    next_cursor: str | None


class Messages(ResidentHandler):
    @operation("The inbox, newest first", query=MessageQuery, reply=MessageList)
    async def get(self, query: MessageQuery) -> Ok:
        page = await self.services.messages.list_of_account(
            self.session.account.account_id, query.cursor, query.limit
        )
        shown = [MessageView.of(message) for message in page.items]
        return Ok(MessageList(messages=shown, next_cursor=page.next_cursor))


class MessageRead(ResidentHandler):
    @operation("Mark a message as read", replies=(NoContent,))
    async def post(self, message_id: Id) -> NoContent:
        await self.services.messages.mark_read(self.session.account.account_id, message_id)
        return NoContent()


class ObjectionView(Model):
    event_id: str
    card_id: str
    card_status: str


class MessageObjection(ResidentHandler):
    @operation(
        "Say of a receipt that it was not me: the card is frozen, the card centre looks into it",
        reply=ObjectionView,
        refuses=(Conflict,),
    )
    async def post(self, message_id: Id) -> Ok:
        made = await self.services.objections.object(self.session.account.account_id, message_id)
        return Ok(ObjectionView(**made.__dict__))


ROUTES = [
    ("/api/v1/messages", Messages),
    ("/api/v1/messages/{message_id}/read", MessageRead),
    ("/api/v1/messages/{message_id}/objection", MessageObjection),
]

from handlers.authentication import ResidentHandler
from handlers.requests import Created, Id, Model, Picture, operation
from server.cards.attachments.model import Attachment
from server.cards.attachments.pictures import MAX_BYTES, MEDIA_TYPES
from server.core.errors import InvalidInput, TooMany


class AttachmentView(Model):
    """`bytes`: of the picture as it is kept, drawn anew from what was sent."""

    attachment_id: str
    media_type: str
    bytes: int

    @classmethod
    def of(cls, attachment: Attachment) -> "AttachmentView":
        return cls(
            attachment_id=attachment.attachment_id,
            media_type=attachment.media_type,
            bytes=attachment.size_bytes,
        )


class Attachments(ResidentHandler):
    @operation(
        "Upload a paper that goes with a claim: the bytes of a JPEG or PNG picture",
        takes=MEDIA_TYPES,
        reply=AttachmentView,
        replies=(Created,),
        refuses=(InvalidInput, TooMany),
        idempotent=True,
        max_body_bytes=MAX_BYTES,
    )
    async def post(self) -> Created:
        account_id = self.session.account.account_id
        uploaded = await self.services.attachments.upload(account_id, self.request.body)
        return Created(AttachmentView.of(uploaded))


class OneAttachment(ResidentHandler):
    @operation("A paper this account has uploaded", media_type="image/*")
    async def get(self, attachment_id: Id) -> Picture:
        account_id = self.session.account.account_id
        media_type, picture = await self.services.attachments.open_own(account_id, attachment_id)
        return Picture(picture, media_type)


ROUTES = [
    ("/api/v1/attachments", Attachments),
    ("/api/v1/attachments/{attachment_id}", OneAttachment),
]

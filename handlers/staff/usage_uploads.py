from handlers.authentication import StaffHandler
from handlers.requests import Model, Ok, Time, operation
from server.usage.upload.model import UploadProgress


class UploadView(Model):
    """How far the uses of cards are on their way to the centre above: `UploadProgress`."""

    is_set_up: bool
    sent: int
    waiting: int
    refused: int
    waiting_since: Time | None
    sent_at: Time | None
    failures: int
    failed_at: Time | None
    failed_because: str | None
    next_try_at: Time | None

    @classmethod
    def of(cls, progress: UploadProgress) -> "UploadView":
        return cls(**vars(progress))


class UsageUploads(StaffHandler):
    @operation(
        "How far the upload of uses to the centre above is", reply=UploadView, permission="partners.read"
    )
    async def get(self) -> Ok:
        return Ok(UploadView.of(await self.services.usage_upload.progress()))


ROUTES = [("/staff/v1/usage-uploads", UsageUploads)]

"""The control room: every service's fault door, to be set, looked at and cleared."""

from pydantic import ValidationError
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from sandbox.service import Answer, Fault, FaultDoors, Route, error_answer, json_answer, json_object


class ControlRoom:
    """PUT /control/<service> sets a fault, GET shows it, DELETE clears it; each answers the door's state."""

    def __init__(self, doors: FaultDoors) -> None:
        self._doors = doors

    def routes(self) -> list[Route]:
        """One path for all services."""
        work = {"PUT": self._set, "GET": self._show, "DELETE": self._clear}
        return [Route(r"/control/\w+", work)]

    def _set(self, request: HTTPServerRequest) -> Answer:
        service = self._service(request)
        try:
            fault = Fault.model_validate(json_object(request))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            return error_answer(400, "fault.malformed", f"{field}: {first['msg']}")
        self._doors.set(service, fault)
        return self._show(request)

    def _show(self, request: HTTPServerRequest) -> Answer:
        return json_answer(self._doors.show(self._service(request)))

    def _clear(self, request: HTTPServerRequest) -> Answer:
        self._doors.set(self._service(request), None)
        return self._show(request)

    def _service(self, request: HTTPServerRequest) -> str:
        service = request.path.rsplit("/", 1)[1]
        if service not in self._doors:
            raise HTTPError(404, reason="No such service")
        return service

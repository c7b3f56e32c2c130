"""Fields that several partner calls share."""

from typing import Annotated

from pydantic import Field, StringConstraints

TerminalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
CodeText = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
TableCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,10}$")]
# Steps of the centre's table that a terminal is for.
Scenes = Annotated[list[TableCode], Field(min_length=1, max_length=50)]
# A code of a step, channel or cost type as an institution has it: ours, or its own where it is mapped.
UsageCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=100)]
HospitalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
# As the hospital gave it: the contract allows any visible characters, so it stands in bodies only.
RegistrationNo = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]

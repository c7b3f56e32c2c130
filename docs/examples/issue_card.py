"""Give out a health card at a window: the document was read, a clerk was there.

    python docs/examples/issue_card.py --resident 7            one of the made-up residents of the demo
    python docs/examples/issue_card.py --resident 7            again: the same card, to print once more

The signing is in verify_scan.py, beside this file.
"""

import argparse
import json
import sys
from pathlib import Path

from verify_scan import call, read_demo


def main() -> int:
    parser = argparse.ArgumentParser(description="Give out a health card at a window.")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    parser.add_argument("--resident", type=int, default=0, help="which of the residents, from 0")
    parser.add_argument("--patient-no", help="open a file under this number of yours in the same call")
    arguments = parser.parse_args()
    partner = read_demo(arguments.demo)
    resident = json.loads(Path(arguments.demo).read_text(encoding="utf-8"))["residents"][arguments.resident]

    visitor = {
        "name": resident["name"],
        "id_type": resident["id_type"],
        "id_no": resident["id_no"],
        "phone": resident["phone"],
        "terminal_id": partner.terminal_id,
        "reading": {"how": "device", "device_no": "reader-1"},
        "face_to_face": {"clerk_id": "c-0042"},
    }
    if arguments.patient_no:
        visitor["hospital_patient_no"] = arguments.patient_no
    status, answer = call(partner, "POST", "/partner/v1/cards", visitor)
    if status not in (200, 201):
        said = "pending" if status == 202 else f"{answer['error']['code']}: {answer['error']['message']}"
        print(f"no card: {status} {said}", file=sys.stderr)
        return 1
    print(f"{'new' if answer['is_new'] else 'there already'}: card {answer['card']['card_id']}")
    print(answer["static_code"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

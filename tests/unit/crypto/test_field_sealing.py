"""Sealed fields open at their own place only, and the index finds without telling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.crypto import sm4
from server.core.crypto.sealing import FieldCipher, SealBroken, search_index

pytestmark = pytest.mark.feature("S2")

PLACE = ("persons", "p-01", "id_no")
ID_NO = "990101199001011234"


class TwoKeys:
    """A key source whose current version the test sets."""

    def __init__(self) -> None:
        self.version = 1
        self.keys = {1: b"\x01" * 16, 258: b"\x02" * 16}

    def current(self, purpose: str) -> tuple[int, bytes]:
        assert purpose == "field"
        return self.version, self.keys[self.version]

    def by_version(self, purpose: str, version: int) -> bytes:
        assert purpose == "field"
        return self.keys[version]


@pytest.fixture
def keys():
    return TwoKeys()


@pytest.fixture
def cipher(keys):
    return FieldCipher(keys)


@given(text=st.text(max_size=300), place=st.tuples(st.just("persons"), st.text(max_size=20), st.just("name")))
def test_what_is_sealed_opens_at_its_place(text, place):
    cipher = FieldCipher(TwoKeys())
    blob = cipher.seal(*place, text)
    assert len(blob) == 30 + len(text.encode())
    assert cipher.unseal(*place, blob) == text


def test_the_same_text_never_looks_the_same(cipher):
    blobs = {cipher.seal(*PLACE, ID_NO) for _ in range(50)}
    assert len(blobs) == 50
    assert not any(ID_NO.encode() in blob for blob in blobs)


def test_every_flipped_bit_is_refused(cipher):
    blob = cipher.seal(*PLACE, "张三")
    for bit in range(len(blob) * 8):
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            cipher.unseal(*PLACE, bytes(flipped))


def test_every_cut_is_refused(cipher):
    blob = cipher.seal(*PLACE, "张三")
    for length in range(len(blob)):
        with pytest.raises(SealBroken):
            cipher.unseal(*PLACE, blob[:length])


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("persons", "p-02", "id_no"),
        ("persons", "p-01", "phone"),
        ("cards", "p-01", "id_no"),
        ("persons", "", "id_no"),
    ],
)
def test_a_moved_ciphertext_is_refused(cipher, elsewhere):
    blob = cipher.seal(*PLACE, ID_NO)
    with pytest.raises(SealBroken):
        cipher.unseal(*elsewhere, blob)


def test_two_places_never_have_the_same_spelling(cipher):
    blob = cipher.seal("a", "b|c", "d", "text")
    with pytest.raises(ValueError, match="must not contain"):
        cipher.unseal("a|b", "c", "d", blob)
    with pytest.raises(ValueError, match="must not contain"):
        cipher.unseal("a", "b", "c|d", blob)
    assert cipher.unseal("a", "b|c", "d", blob) == "text"


def test_old_fields_open_after_a_rotation(cipher, keys):
    old = cipher.seal(*PLACE, "before")
    keys.version = 258
    new = cipher.seal(*PLACE, "after")
    assert (old[:2], new[:2]) == (b"\x00\x01", b"\x01\x02")
    assert cipher.unseal(*PLACE, old) == "before"
    assert cipher.unseal(*PLACE, new) == "after"


def test_a_claimed_other_version_is_refused_even_with_the_same_key(cipher, keys):
    keys.keys[258] = keys.keys[1]
    blob = cipher.seal(*PLACE, ID_NO)
    with pytest.raises(SealBroken):
        cipher.unseal(*PLACE, b"\x01\x02" + blob[2:])


def test_a_destroyed_key_leaves_nothing_readable(cipher, keys):
    blob = cipher.seal(*PLACE, ID_NO)
    del keys.keys[1]
    with pytest.raises(SealBroken, match="no key of version 1") as refusal:
        cipher.unseal(*PLACE, blob)
    assert ID_NO not in str(refusal.value)


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5))
        ),
        max_size=6,
    )
)
def test_small_objects_round_trip(value):
    cipher = FieldCipher(TwoKeys())
    assert (
        cipher.unseal_json("persons", "p", "contact", cipher.seal_json("persons", "p", "contact", value))
        == value
    )


@pytest.mark.parametrize("text", ["", "plain text", "[1]", "null", '"x"'])
def test_a_text_field_is_not_read_as_an_object(cipher, text):
    blob = cipher.seal(*PLACE, text)
    with pytest.raises(SealBroken, match="does not hold an object"):
        cipher.unseal_json(*PLACE, blob)


def test_sealing_with_a_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="key size"):
        sm4.seal(b"\0" * 32, b"text", b"")


def test_the_index_is_stable_and_depends_on_key_purpose_and_value():
    found = search_index(b"k" * 32, "index:document", ID_NO)
    assert len(found) == 64
    assert found == search_index(b"k" * 32, "index:document", ID_NO)
    others = {
        search_index(b"K" * 32, "index:document", ID_NO),
        search_index(b"k" * 32, "index:phone", ID_NO),
        search_index(b"k" * 32, "index:document", ID_NO[:-1]),
    }
    assert len(others | {found}) == 4


def test_the_index_of_one_number_is_the_known_one():
    # Stored rows are found by this value: a change of its rule is a migration.
    assert (
        search_index(bytes(range(32)), "index:document", ID_NO)
        == "d953a98f2c7b7b3a1750f641123fe93ec2acce3eefbff32977e2741d31ae3866"
    )

"""Whatever is edited, removed, swapped or added in a trail is found by its public key alone (AU-3)."""

import random
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.audit.trail.digests import HEAD, head_body, read_head, signed_text
from app.audit.trail.files import packed, sha256, signature_key, unpacked
from app.audit.trail.signing import PublicKeys, Signer, public_pem
from app.audit.trail.verify import Kind, verify
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from tests.audit.stage import KEYS, SIGNER, MemoryStore, act_everywhere, deliverer
from tests.support.databases import Databases

STRANGER = Signer(rsa.generate_private_key(public_exponent=65537, key_size=2048))
Objects = dict[str, bytes]


@pytest.fixture
async def states(all_databases: Databases) -> list[MemoryStore]:
    """A trail as it was after each of eight deliveries, digests in between and log files without one at the end."""
    clock = ManualClock()
    database = Database(all_databases.url("sqlite"), clock=clock)
    await database.start()
    store, states = MemoryStore(), []
    for _ in range(8):
        await act_everywhere(database, 2)
        await deliverer(database, store).run_once()
        states.append(MemoryStore(objects=dict(store.objects), metadata=dict(store.metadata)))
        clock.advance(minutes=35)
    await database.stop()
    return states


@pytest.fixture
def trail(states: list[MemoryStore]) -> MemoryStore:
    """The trail as it is last."""
    assert verify(states[-1], KEYS).findings == []
    return states[-1]


def logs(objects: Objects) -> list[str]:
    return sorted(key for key in objects if "/CloudTrail/" in key)


def digests(objects: Objects) -> list[str]:
    return sorted(key for key in objects if "/CloudTrail-Digest/" in key and key.endswith(".gz"))


def flip_a_bit(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(sorted(objects))
    body = bytearray(objects[key])
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    objects[key] = bytes(body)


def cut_off(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(sorted(objects))
    objects[key] = objects[key][: chance.randrange(len(objects[key]))]


def append(objects: Objects, chance: random.Random) -> None:
    objects[chance.choice(sorted(objects))] += chance.randbytes(chance.randint(1, 30))


def append_a_second_gzip_file(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    objects[key] += packed(b"")


def pack_anew(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects) + digests(objects))
    body = bytearray(objects[key])
    body[4:8] = b"\x01\x02\x03\x04"  # the time in the header of a gzip file, which no reader looks at
    objects[key] = bytes(body)


def remove(objects: Objects, chance: random.Random) -> None:
    del objects[chance.choice(sorted(objects))]


def remove_a_chain(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    account, region = key.split("/")[1], key.split("/")[3]
    for each in [each for each in objects if each.startswith(f"AWSLogs/{account}/") and f"/{region}/" in each]:
        del objects[each]


def remove_the_last_digest_with_its_log_files(objects: Objects, chance: random.Random) -> None:
    key = digests(objects)[-1]
    for each in orjson.loads(unpacked(objects[key]))["logFiles"]:
        del objects[each["s3Object"]]
    del objects[key], objects[signature_key(key)]


def swap(objects: Objects, chance: random.Random) -> None:
    one, other = chance.sample(sorted(objects), 2)
    objects[one], objects[other] = objects[other], objects[one]


def move(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    objects[key.replace(".json.gz", "x.json.gz")] = objects.pop(key)


def add_a_log_file(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    objects[key.replace(".json.gz", f"{chance.randrange(10)}.json.gz")] = objects[key]


def add_anything(objects: Objects, chance: random.Random) -> None:
    folder = chance.choice(sorted(objects)).rpartition("/")[0]
    objects[f"{folder}/{chance.randrange(1000)}"] = chance.randbytes(10)


def edit_a_record(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    content = orjson.loads(unpacked(objects[key]))
    chance.choice(content["Records"])["sourceIPAddress"] = "198.51.100.7"
    objects[key] = packed(orjson.dumps(content))


def remove_a_record(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    content = orjson.loads(unpacked(objects[key]))
    content["Records"].pop()
    objects[key] = packed(orjson.dumps(content))


def repeat_a_record(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(logs(objects))
    content = orjson.loads(unpacked(objects[key]))
    content["Records"].append(content["Records"][0])
    objects[key] = packed(orjson.dumps(content))


def edit_a_digest(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(digests(objects))
    content = orjson.loads(unpacked(objects[key]))
    content["logFiles"].pop()
    objects[key] = packed(orjson.dumps(content))


def sign_a_digest_with_another_key(objects: Objects, chance: random.Random) -> None:
    key = chance.choice(digests(objects))
    content = orjson.loads(unpacked(objects[key]))
    content["logFiles"].pop()
    content["digestPublicKeyFingerprint"] = STRANGER.fingerprint
    edited = orjson.dumps(content)
    objects[key] = packed(edited)
    objects[signature_key(key)] = STRANGER.sign(signed_text(edited, sha256(edited))).encode()


def sign_the_head_with_another_key(objects: Objects, chance: random.Random) -> None:
    head = read_head(objects[HEAD], KEYS)
    key = chance.choice([key for key, _ in head.log_files])
    del objects[key]
    left = [(each, hashes) for each, hashes in head.log_files if each != key]
    objects[HEAD] = head_body(replace(head, log_files=left), STRANGER)


def spell_the_signature_in_capitals(objects: Objects, chance: random.Random) -> None:
    """The same number in other bytes: a reader of hexadecimal digits would take it."""
    key = signature_key(chance.choice(digests(objects)))
    objects[key] = objects[key].upper()


def spell_the_head_s_signature_in_capitals(objects: Objects, chance: random.Random) -> None:
    sealed = orjson.loads(objects[HEAD])
    objects[HEAD] = orjson.dumps({**sealed, "signature": sealed["signature"].upper()})


def space_the_head_out(objects: Objects, chance: random.Random) -> None:
    """The same JSON in other bytes."""
    objects[HEAD] = orjson.dumps(orjson.loads(objects[HEAD]), option=orjson.OPT_INDENT_2)


TAMPERINGS: list[Callable[[Objects, random.Random], None]] = [
    flip_a_bit,
    cut_off,
    append,
    append_a_second_gzip_file,
    pack_anew,
    remove,
    remove_a_chain,
    remove_the_last_digest_with_its_log_files,
    swap,
    move,
    add_a_log_file,
    add_anything,
    edit_a_record,
    remove_a_record,
    repeat_a_record,
    edit_a_digest,
    sign_a_digest_with_another_key,
    sign_the_head_with_another_key,
    spell_the_signature_in_capitals,
    spell_the_head_s_signature_in_capitals,
    space_the_head_out,
]


def test_a_thousand_random_tamperings_are_all_found(trail: MemoryStore) -> None:
    for number in range(1000):
        tamper = TAMPERINGS[number % len(TAMPERINGS)]
        tampered = MemoryStore(objects=dict(trail.objects), metadata=trail.metadata)
        tamper(tampered.objects, random.Random(number))
        changed = {key for key in {*trail.objects, *tampered.objects} if differs(trail, tampered, key)}
        assert changed, f"number {number}, {tamper.__name__}, did nothing"
        report = verify(tampered, KEYS)
        assert not report.whole, f"number {number}, {tamper.__name__}, was not found"
        if len(changed) == 1:
            assert changed <= {finding.key for finding in report.findings}, f"number {number}, {tamper.__name__}"


def differs(one: MemoryStore, other: MemoryStore, key: str) -> bool:
    return one.objects.get(key) != other.objects.get(key)


def test_an_older_head_does_not_hide_what_came_after_it(states: list[MemoryStore]) -> None:
    for older in states[:-1]:
        mixed = MemoryStore(objects={**states[-1].objects, HEAD: older.objects[HEAD]})
        assert not verify(mixed, KEYS).whole


def test_an_older_state_put_back_as_a_whole_is_found_by_the_time_that_it_must_reach(states: list[MemoryStore]) -> None:
    last = verify(states[-1], KEYS)
    assert last.sealed_until is not None
    reached = ManualClock().now().fromisoformat(last.sealed_until)
    assert verify(states[-1], KEYS, covers=reached).whole
    older = verify(states[3], KEYS, covers=reached)
    assert [finding.key for finding in older.findings] == [HEAD]
    assert older.sequence is not None
    assert last.sequence is not None
    assert older.sequence < last.sequence


def test_an_edited_signature_in_the_metadata_of_a_bucket_is_found(trail: MemoryStore) -> None:
    key = digests(trail.objects)[0]
    trail.metadata[key] = {**trail.metadata[key], "signature": "00"}
    assert [(each.kind, each.key) for each in verify(trail, KEYS).findings] == [(Kind.EDITED, key)]


def test_a_trail_is_not_whole_under_another_key(trail: MemoryStore) -> None:
    report = verify(trail, PublicKeys.parse(public_pem(STRANGER.public_key)))
    assert [(each.kind, each.key) for each in report.findings] == [(Kind.BROKEN, HEAD)]


def test_a_trail_that_was_signed_with_two_keys_needs_both(states: list[MemoryStore]) -> None:
    both = PublicKeys.parse(public_pem(STRANGER.public_key) + public_pem(SIGNER.public_key))
    assert verify(states[-1], both).whole
    head = read_head(states[-1].objects[HEAD], KEYS)
    states[-1].objects[HEAD] = head_body(head, STRANGER)
    assert verify(states[-1], both).whole
    assert not verify(states[-1], KEYS).whole
    assert not verify(states[-1], PublicKeys.parse(public_pem(STRANGER.public_key))).whole


def test_a_broken_chain_says_how_much_lies_behind_the_break(trail: MemoryStore) -> None:
    last = max(digests(trail.objects), key=lambda key: orjson.loads(unpacked(trail.objects[key]))["digestEndTime"])
    trail.objects[last] = b""
    findings = verify(trail, KEYS).findings
    assert [(each.kind, each.key) for each in findings] == [(Kind.EDITED, last), (Kind.BROKEN, last)]
    assert "can't be checked" in findings[1].message


def test_nothing_at_a_destination_is_not_a_trail() -> None:
    assert [(each.kind, each.key) for each in verify(MemoryStore(), KEYS).findings] == [(Kind.MISSING, HEAD)]

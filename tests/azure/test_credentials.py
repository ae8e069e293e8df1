"""A token is fetched as rarely as possible, by one at a time, never on the event loop, and never shown."""

import base64
import gc
import json
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.to_thread
import pytest

from router.azure.credentials import (
    ApiKey,
    CredentialError,
    StaticToken,
    TokenProvider,
    from_credential,
    from_provider,
    signed_in,
)
from router.azure.given_token import expiry_of
from router.azure.sign_in import ServicePrincipal, SignIn

NOW = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


def jwt(expires, serial=0):
    parts = [{"alg": "RS256"}, {"exp": expires, "serial": serial}]
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"])


class Source:
    """A provider that counts its calls, and can be told to fail."""

    def __init__(self, clock, life=3600.0):
        self.clock = clock
        self.life = life
        self.calls = 0
        self.error = None

    def __call__(self):
        self.calls += 1
        if self.error is not None:
            raise self.error
        return jwt(self.clock() + self.life, self.calls) if self.life else f"opaque-{self.calls}"


@pytest.fixture
def clock():
    return Clock()


def settled(credential, calls, source):
    """Wait until the fetch beside the calls is over: the token of its call is handed out."""
    for _ in range(1000):
        if source.calls >= calls and credential._fetch is None and credential._token is not None:
            return credential.authorization()
        threading.Event().wait(0.002)
    raise AssertionError(f"only {source.calls} calls")


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        ("azure", ("api-key", "k")),
        ("azure_v1", ("api-key", "k")),
        ("anthropic", ("x-api-key", "k")),
        ("openai", ("authorization", "Bearer k")),
    ],
)
async def test_a_key_travels_in_the_one_header_of_its_endpoint(kind, header):
    credential = ApiKey("k")
    assert credential.header(kind, credential.authorization()) == header
    assert await credential.aauthorization() == "k"
    assert not credential.renews


async def test_a_static_token_is_always_a_bearer():
    credential = StaticToken("t")
    assert credential.header("azure", credential.authorization()) == ("authorization", "Bearer t")
    assert await credential.aauthorization() == "t"
    assert not credential.renews


def test_no_repr_shows_a_secret(clock):
    provider = TokenProvider(lambda: "s3cret", clock=clock)
    assert provider.authorization() == "s3cret"
    for credential in (ApiKey("s3cret"), StaticToken("s3cret"), provider):
        assert "s3cret" not in repr(credential)
        assert "s3cret" not in str(credential)


@pytest.mark.parametrize("kind", [ApiKey, StaticToken])
@pytest.mark.parametrize("secret", ["", "s3cret\n", "s3 cret"])
def test_a_secret_that_cannot_travel_is_refused_by_its_place(kind, secret):
    with pytest.raises(ValueError, match="the place") as caught:
        kind(secret, "the place")
    assert "s3" not in str(caught.value)


def test_a_token_is_fetched_once_and_kept_for_most_of_its_life(clock):
    source = Source(clock)
    credential = TokenProvider(source, clock=clock)
    first = credential.authorization()
    clock.now += 0.79 * 3600
    assert credential.authorization() == first
    assert source.calls == 1
    assert credential.header("azure", first) == ("authorization", f"Bearer {first}")


def test_a_token_past_most_of_its_life_is_still_served_while_the_next_is_fetched(clock):
    gate = threading.Event()
    source = Source(clock)

    def provider():
        if source.calls:
            gate.wait(10)
        return source()

    credential = TokenProvider(provider, clock=clock)
    first = credential.authorization()
    clock.now += 0.81 * 3600
    assert [credential.authorization() for _ in range(3)] == [first] * 3
    gate.set()
    assert settled(credential, 2, source) != first
    assert source.calls == 2


def test_an_expired_token_is_never_served(clock):
    source = Source(clock)
    credential = TokenProvider(source, clock=clock)
    first = credential.authorization()
    clock.now += 3600
    assert credential.authorization() != first
    assert source.calls == 2


def test_an_opaque_token_is_kept_for_a_minute_at_most(clock):
    source = Source(clock, life=0)
    credential = TokenProvider(source, clock=clock)
    assert credential.authorization() == "opaque-1"
    clock.now += 47
    assert credential.authorization() == "opaque-1"
    clock.now += 13
    assert credential.authorization() == "opaque-2"


def test_a_token_that_comes_expired_is_used_for_some_seconds_and_not_fetched_for_every_call(clock):
    source = Source(clock, life=-100.0)
    credential = TokenProvider(source, clock=clock)
    assert len({credential.authorization() for _ in range(10)}) == 1
    clock.now += 5
    credential.authorization()
    assert source.calls == 2


def test_many_threads_cause_one_fetch(clock):
    source = Source(clock)
    gate = threading.Event()

    def provider():
        gate.wait(10)
        return source()

    credential = TokenProvider(provider, clock=clock)
    with ThreadPoolExecutor(20) as pool:
        tokens = [pool.submit(credential.authorization) for _ in range(20)]
        gate.set()
        assert len({token.result() for token in tokens}) == 1
    assert source.calls == 1


async def test_many_tasks_cause_one_fetch_that_does_not_block_the_loop(clock):
    source = Source(clock)
    gate = threading.Event()
    threads = set()

    def provider():
        threads.add(threading.get_ident())
        gate.wait(10)
        return source()

    credential = TokenProvider(provider, clock=clock)
    tokens = []

    async def one():
        tokens.append(await credential.aauthorization())

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        # The loop runs on while the provider hangs.
        gate.set()
    assert len(tokens) == 50
    assert len(set(tokens)) == 1
    assert source.calls == 1
    assert threading.get_ident() not in threads


async def test_an_asynchronous_provider_is_awaited_once_for_all_tasks(clock):
    source = Source(clock)
    gate = anyio.Event()

    async def provider():
        await gate.wait()
        return source()

    credential = TokenProvider(provider, clock=clock)
    tokens = []

    async def one():
        tokens.append(await credential.aauthorization())

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert len(tokens) == 10
    assert len(set(tokens)) == 1
    assert source.calls == 1


async def test_a_call_that_goes_away_does_not_end_the_fetch(clock):
    source = Source(clock)
    started = anyio.Event()
    gate = anyio.Event()

    async def provider():
        started.set()
        await gate.wait()
        return source()

    credential = TokenProvider(provider, clock=clock)
    tokens = []

    async def one():
        tokens.append(await credential.aauthorization())

    async with anyio.create_task_group() as outer:
        async with anyio.create_task_group() as inner:
            inner.start_soon(one)
            await started.wait()
            outer.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            inner.cancel_scope.cancel()
        gate.set()
    assert len(tokens) == 1
    assert source.calls == 1


def test_a_fetch_whose_event_loop_ends_is_begun_again_in_the_next(clock, anyio_backend):
    source = Source(clock)

    async def provider():
        if not source.calls:
            source.calls = 1
            await anyio.sleep_forever()
        return source()

    credential = TokenProvider(provider, clock=clock)

    async def leaves():
        with pytest.raises(CredentialError, match="all the time that the attempt had"):
            await credential.aauthorization(0.02)

    anyio.run(leaves, backend=anyio_backend)
    assert expiry_of(anyio.run(credential.aauthorization, backend=anyio_backend)) == NOW + 3600


async def test_an_object_whose_call_is_asynchronous_counts_as_asynchronous(clock):
    class Provider:
        async def __call__(self):
            return "opaque"

    credential = TokenProvider(Provider(), clock=clock)
    assert credential.is_async
    assert await credential.aauthorization() == "opaque"


async def test_a_blocking_call_cannot_use_an_asynchronous_provider_but_can_use_its_token(clock):
    async def provider():
        return "opaque"

    credential = TokenProvider(provider, clock=clock)
    with pytest.raises(CredentialError, match="plain function"):
        credential.authorization()
    await credential.aauthorization()
    assert credential.authorization() == "opaque"
    clock.now += 50  # past most of its life, and still valid
    assert credential.authorization() == "opaque"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "NoneType instead of str"),
        (b"s3cret", "bytes instead of str"),
        ("", "an empty text"),
        ("s3cret\n", "no token"),
        ("Bearer s3cret", "no token"),
        (("s3cret", 5), "tuple instead of str"),
    ],
)
async def test_what_is_no_token_is_an_error_that_does_not_show_it(clock, given, words):
    async def aprovider():
        return given

    for provider in (lambda: given, aprovider):
        credential = TokenProvider(provider, clock=clock)
        with pytest.raises(CredentialError, match=words) as caught:
            await credential.aauthorization()
        assert "s3cret" not in str(caught.value)
    with pytest.raises(CredentialError, match=words):
        TokenProvider(lambda: given, clock=clock).authorization()


def test_a_plain_function_that_returns_an_awaitable_is_refused_with_a_way_out(clock):
    async def token():
        return "opaque"

    with pytest.raises(CredentialError, match="Give the asynchronous function itself"):
        TokenProvider(lambda: token(), clock=clock).authorization()


async def test_a_provider_that_raises_is_named_by_type_and_entras_number_only(clock):
    source = Source(clock)
    source.error = RuntimeError("AADSTS7000215: Invalid client secret s3cret provided")

    async def aprovider():
        return source()

    for provider in (source, aprovider):
        with pytest.raises(
            CredentialError, match=r"RuntimeError \(AADSTS7000215: the client secret is wrong"
        ) as caught:
            await TokenProvider(provider, clock=clock).aauthorization()
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_after_a_failure_the_provider_is_left_alone_for_some_seconds(clock):
    source = Source(clock)
    source.error = OSError()
    credential = TokenProvider(source, clock=clock)
    for _ in range(5):
        with pytest.raises(CredentialError, match="OSError"):
            credential.authorization()
    assert source.calls == 1
    source.error = None
    clock.now += 5
    assert expiry_of(credential.authorization()) == clock.now + 3600


async def test_a_failing_early_fetch_leaves_the_valid_token_in_use(clock):
    source = Source(clock)

    async def aprovider():
        return source()

    credential = TokenProvider(aprovider, clock=clock)
    first = await credential.aauthorization()
    clock.now += 3000
    source.error = OSError()
    assert await credential.aauthorization() == first
    await anyio.wait_all_tasks_blocked()
    assert [await credential.aauthorization() for _ in range(3)] == [first] * 3
    assert source.calls == 2
    clock.now += 600
    with pytest.raises(CredentialError):
        await credential.aauthorization()


async def test_a_hanging_provider_is_given_up(clock):
    gate = threading.Event()

    async def hangs():
        await anyio.sleep_forever()

    for provider in (lambda: gate.wait(10), hangs):
        credential = TokenProvider(provider, timeout=0.05, clock=clock)
        with pytest.raises(CredentialError, match=r"no token within 0\.05 s"):
            await credential.aauthorization()
    with pytest.raises(CredentialError, match=r"no token within 0\.05 s"):
        TokenProvider(lambda: gate.wait(10), timeout=0.05, clock=clock).authorization()
    gate.set()


def test_a_refused_token_is_fetched_anew_once_however_many_calls_were_refused(clock):
    source = Source(clock)
    credential = TokenProvider(source, clock=clock)
    refused = credential.authorization()
    fresh = credential.authorization(refused=refused)
    assert fresh != refused
    assert {credential.authorization(refused=refused) for _ in range(10)} == {fresh}
    assert source.calls == 2


async def test_a_token_that_one_deployment_refused_still_serves_the_others_meanwhile(clock):
    source = Source(clock)
    gate = threading.Event()

    def provider():
        if source.calls:
            gate.wait(10)
        return source()

    credential = TokenProvider(provider, clock=clock)
    first = await credential.aauthorization()
    renewed = []

    async def refused():
        renewed.append(await credential.aauthorization(refused=first))

    async with anyio.create_task_group() as group:
        group.start_soon(refused)
        await anyio.wait_all_tasks_blocked()
        assert await credential.aauthorization() == first
        assert not renewed
        gate.set()
    assert renewed != [first]
    assert source.calls == 2


def test_a_provider_that_has_nothing_newer_gives_the_refused_token_again(clock):
    credential = TokenProvider(lambda: "opaque", clock=clock)
    assert credential.authorization(refused=credential.authorization()) == "opaque"


async def test_an_asynchronous_provider_renews_beside_the_calls(clock):
    source = Source(clock)
    gate = anyio.Event()

    async def provider():
        if source.calls:
            await gate.wait()
        return source()

    credential = TokenProvider(provider, clock=clock)
    first = await credential.aauthorization()
    clock.now += 0.81 * 3600
    assert [await credential.aauthorization() for _ in range(3)] == [first] * 3
    gate.set()
    await anyio.wait_all_tasks_blocked()
    assert await credential.aauthorization() != first
    assert source.calls == 2


async def test_nobody_waits_longer_than_the_attempt_has_and_the_fetch_goes_on(clock):
    source = Source(clock)
    gate = threading.Event()

    def provider():
        gate.wait(10)
        return source()

    credential = TokenProvider(provider, clock=clock)
    with pytest.raises(CredentialError, match=r"no token within 0\.02 s, which was all the time that the attempt had"):
        await credential.aauthorization(0.02)
    with pytest.raises(CredentialError, match="all the time that the attempt had"):
        credential.authorization(0.0)
    gate.set()
    assert expiry_of(credential.authorization()) == NOW + 3600
    assert source.calls == 1


def test_an_early_fetch_that_hangs_is_begun_again_while_the_token_is_valid(clock):
    source = Source(clock)
    gates = [threading.Event(), threading.Event()]
    gates[1].set()

    def provider():
        if source.calls:
            gates.pop(0).wait(10)
        return source()

    hangs = gates[0]
    credential = TokenProvider(provider, timeout=0.02, clock=clock)
    first = credential.authorization()
    clock.now += 0.81 * 3600
    assert credential.authorization() == first
    threading.Event().wait(0.03)
    assert credential.authorization() == first  # given up; it rests
    clock.now += 5
    assert credential.authorization() == first  # and begins again
    fresh = settled(credential, 2, source)
    assert fresh != first
    hangs.set()


def test_deployments_that_sign_in_alike_share_a_token(clock):
    def provider():
        return "opaque"

    class Credential:
        def get_token(self, *scopes):
            raise NotImplementedError

    class Unhashable(Credential):
        __hash__ = None

    assert from_provider(provider) is from_provider(provider)
    assert from_provider(lambda: "opaque") is not from_provider(provider)
    for one in (Credential(), Unhashable()):
        kept = from_credential(one, "a/.default")
        assert kept is from_credential(one, "a/.default")
        assert kept is not from_credential(one, "b/.default")
    one, same, other = (SignIn(ServicePrincipal("t", "c", secret)) for secret in ("s", "s", "x"))
    kept = signed_in(one)
    assert kept is signed_in(same)
    assert kept is not signed_in(other)
    assert "client_secret" in repr(kept)


def test_what_is_shared_dies_with_its_last_user():
    class Application:
        """Owns what uses its method, as an application owns its router."""

        def __init__(self):
            self.credential = from_provider(self.token)

        def token(self):
            return "opaque"

    application = Application()
    assert from_provider(application.token) is application.credential
    assert from_provider(Application().token) is not application.credential
    gone = weakref.ref(application)
    del application
    gc.collect()
    assert gone() is None


class Given:
    """A token as azure-core gives it."""

    def __init__(self, token, expires_on):
        self.token = token
        self.expires_on = expires_on


async def test_a_credential_object_is_asked_for_its_scope_blocking_or_awaiting():
    asked = []

    class Blocking:
        def get_token(self, *scopes, **_):
            asked.append((scopes, threading.get_ident()))
            return Given("opaque", 4e9)

    class Awaiting:
        async def get_token(self, *scopes, **_):
            return Given("awaited", 4e9)

        async def get_token_info(self, *scopes):
            asked.append((scopes, None))
            return Given("awaited", 4e9)

    credential = from_credential(Blocking(), "a/.default")
    assert await credential.aauthorization() == credential.authorization() == "opaque"
    assert len(asked) == 1
    assert asked[0][0] == ("a/.default",)
    assert asked[0][1] != threading.get_ident()
    assert credential.header("azure", "x") == ("authorization", "Bearer x")
    credential = from_credential(Awaiting(), "b/.default")
    assert await credential.aauthorization() == "awaited"
    assert asked[1] == (("b/.default",), None)


def test_a_blocking_call_cannot_use_an_asynchronous_credential():
    class Awaiting:
        async def get_token(self, *scopes):
            raise NotImplementedError

    with pytest.raises(CredentialError, match=r"the azure_credential Awaiting is asynchronous.*blocking credential"):
        from_credential(Awaiting(), "b/.default").authorization()


def test_the_token_that_comes_after_all_is_welcome(clock):
    gate = threading.Event()
    source = Source(clock)

    def provider():
        gate.wait(10)
        return source()

    credential = TokenProvider(provider, timeout=0.02, clock=clock)
    with pytest.raises(CredentialError):
        credential.authorization()
    gate.set()
    assert expiry_of(settled(credential, 1, source)) == NOW + 3600
    assert source.calls == 1


async def test_threads_and_tasks_wait_for_the_same_fetch(clock):
    source = Source(clock)
    gate = anyio.Event()

    async def provider():
        await gate.wait()
        return source()

    credential = TokenProvider(provider, clock=clock)
    tokens = []

    async def awaiting():
        tokens.append(await credential.aauthorization())

    async def blocking():
        tokens.append(await anyio.to_thread.run_sync(credential.authorization))

    async with anyio.create_task_group() as group:
        group.start_soon(awaiting)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(blocking)
        group.start_soon(anyio.sleep, 0.02)
        await anyio.sleep(0.01)
        gate.set()
    assert len(tokens) == 2
    assert len(set(tokens)) == 1


def test_a_provider_must_be_callable():
    with pytest.raises(ValueError, match="not callable"):
        TokenProvider("token")


FORK = """
import os, sys, threading
from router.azure.credentials import TokenProvider

parent, asked = os.getpid(), threading.Event()

def provide():
    asked.set()
    if os.getpid() == parent:
        threading.Event().wait()
    return "the-childs"

tokens = TokenProvider(provide, name="a provider", way_out="")
threading.Thread(target=tokens.authorization, daemon=True).start()
asked.wait(10)
tokens._lock.acquire()  # as if another thread were just looking
child = os.fork()
if child == 0:
    os._exit(0 if tokens.authorization(10.0) == "the-childs" else 1)
_, status = os.waitpid(child, 0)
os._exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_does_not_wait_for_a_token_that_its_parent_fetches() -> None:
    """In an interpreter of its own, so that no thread of the test run is forked along."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")

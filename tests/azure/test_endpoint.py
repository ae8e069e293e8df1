"""Every spelling of an address ends at the one right URL, and what could leak a key is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.endpoint import Endpoint, check_key, parse_endpoint, split_model, url_for
from router.azure.operations import OPERATIONS

R = "https://r.openai.azure.com"
DATED = f"{R}/openai/deployments/d/chat/completions?api-version=2024-10-21"
V1 = f"{R}/openai/v1/chat/completions"


def url(api_base, api_version=None, model="azure/d", operation="chat.completions", **kw):
    return url_for(parse_endpoint(model, api_base, api_version, **kw), split_model(model).name, operation)


@pytest.mark.parametrize(
    ("api_base", "api_version", "expected"),
    [
        (R, "2024-10-21", DATED),
        (f"{R}/", "2024-10-21", DATED),
        (f"  {R}//  ", "2024-10-21", DATED),
        (f"{R}/openai", "2024-10-21", DATED),
        (f"{R}/openai/", "2024-10-21", DATED),
        (f"{R}/openai/deployments", "2024-10-21", DATED),
        (f"{R}/openai/deployments/d", "2024-10-21", DATED),
        (f"{R}/openai/deployments/d/", "2024-10-21", DATED),
        (f"{R}/openai/deployments/d/chat/completions", "2024-10-21", DATED),
        (f"{R}/openai/deployments/d/chat/completions?api-version=2024-10-21", None, DATED),
        (f"{R}/openai/deployments/d/embeddings?api-version=2023-05-15", "2024-10-21", DATED),
        (f"{R}/openai/responses?api-version=2024-10-21", None, DATED),
        (f"{R}/?api-version=2024-10-21", "", DATED),
        (R, None, DATED.replace("2024-10-21", "2025-02-01-preview")),
        (R, "2025-04-01-Preview", DATED.replace("2024-10-21", "2025-04-01-preview")),
        (f"{R}/openai/v1", None, V1),
        (f"{R}/openai/v1/", "2024-10-21", V1),
        (f"{R}/openai/v1", "v1", V1),
        (f"{R}/openai/v1/chat/completions", None, V1),
        (f"{R}/openai/v1/chat/completions?api-version=preview", None, f"{V1}?api-version=preview"),
        (R, "v1", V1),
        (R, "latest", V1),
        (R, "preview", f"{V1}?api-version=preview"),
        (f"{R}/openai/deployments/d", "v1", V1),
        (f"{R}:8443", "v1", V1.replace(".com", ".com:8443")),
    ],
)
def test_each_spelling_of_an_azure_resource_gives_the_one_url(api_base, api_version, expected):
    assert url(api_base, api_version) == expected


@pytest.mark.parametrize(
    ("api_base", "root"),
    [
        ("https://x.services.ai.azure.com", "https://x.services.ai.azure.com/openai"),
        ("https://x.cognitiveservices.azure.com/", "https://x.cognitiveservices.azure.com/openai"),
        ("https://swedencentral.api.cognitive.microsoft.com", "https://swedencentral.api.cognitive.microsoft.com/openai"),
        ("https://x.azure-api.net/team-a", "https://x.azure-api.net/team-a/openai"),
        ("https://x.azure-api.net/team-a/openai/", "https://x.azure-api.net/team-a/openai"),
        ("https://x.azure-api.net/openai/openai/deployments/d", "https://x.azure-api.net/openai/openai"),
        ("https://x.azure-api.net/openai/team", "https://x.azure-api.net/openai/team/openai"),
        ("http://localhost:8000", "http://localhost:8000/openai"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/openai"),
        ("http://[::1]:8000", "http://[::1]:8000/openai"),
        ("HTTPS://R.OpenAI.Azure.com", "https://r.openai.azure.com/openai"),
    ],
)  # fmt: skip
def test_hosts_and_gateways_keep_their_prefix(api_base, root):
    assert url(api_base, "2024-10-21") == f"{root}/deployments/d/chat/completions?api-version=2024-10-21"
    assert url(api_base, "v1") == f"{root}/v1/chat/completions"


def test_extensions_stay_in_the_path():
    expected = f"{R}/openai/deployments/d/extensions/chat/completions?api-version=2023-12-01-preview"
    for base in (f"{R}/openai/deployments/d/extensions", f"{R}/openai/deployments/d/extensions/chat/completions"):
        assert url(base, "2023-12-01-preview") == expected


def test_cloudflares_gateway_gets_the_deployment_right_behind_its_base():
    base = "https://gateway.ai.cloudflare.com/v1/acc/gw/azure-openai/res"
    assert url(base, "2024-10-21") == f"{base}/d/chat/completions?api-version=2024-10-21"


def test_a_deployment_named_by_the_base_serves_where_the_model_names_none_and_wins_where_it_does():
    base = f"{R}/openai/deployments/from-base"
    for model in ("azure/", "azure", "azure/other"):
        assert parse_endpoint(model, base, None).deployment == "from-base"
        assert "/deployments/from-base/" in url(base, None, model=model)


def test_no_deployment_anywhere_is_an_error_that_says_where_to_name_it():
    with pytest.raises(ValueError, match="no deployment is named"):
        url(R, None, model="azure/")


@pytest.mark.parametrize(
    ("api_base", "expected"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("http://localhost:1234/v1", "http://localhost:1234/v1/chat/completions"),
        ("https://gw.example.org/llm", "https://gw.example.org/llm/chat/completions"),
        (f"{R}/openai/v1", f"{R}/openai/v1/chat/completions"),
    ],
)
def test_openai_and_compatible_bases_are_used_as_they_are(api_base, expected):
    assert url(api_base, None, model="gpt-4o") == expected
    assert url(api_base, None, model="openai/gpt-4o") == expected


def test_a_further_operation_is_found_in_each_family():
    assert url(R, "2024-10-21", operation="embeddings").startswith(f"{R}/openai/deployments/d/embeddings?")
    assert url(R, "2024-10-21", operation="files.create") == f"{R}/openai/files?api-version=2024-10-21"
    assert url(R, "v1", operation="audio.speech") == f"{R}/openai/v1/audio/speech"
    with pytest.raises(ValueError, match="'chat' is unknown"):
        url(R, "v1", operation="chat")


@pytest.mark.parametrize(
    ("model", "provider", "family", "name"),
    [
        ("azure/x", "azure", None, "x"),
        ("azure/o_series/x", "azure", "o_series", "x"),
        ("azure/gpt5_series/x", "azure", "gpt5", "x"),
        ("azure_text/x", "azure_text", None, "x"),
        ("azure/", "azure", None, ""),
        ("azure", "azure", None, ""),
        ("azure/*", "azure", None, "*"),
        ("azure/o_series", "azure", None, "o_series"),
        ("openai/gpt-4o", "openai", None, "gpt-4o"),
        ("openai/ft:gpt-4o:org::id", "openai", None, "ft:gpt-4o:org::id"),
        ("openai/meta/llama", "openai", None, "meta/llama"),
        ("gpt-4o", "openai", None, "gpt-4o"),
    ],
)
def test_a_model_is_split_into_provider_family_and_name(model, provider, family, name):
    parsed = split_model(model)
    assert (parsed.provider, parsed.family, parsed.name) == (provider, family, name)


def test_the_family_of_the_prefix_is_kept_by_the_endpoint():
    assert parse_endpoint("azure/o_series/x", R, None).family == "o_series"
    assert parse_endpoint("azure/x", R, None).family is None


@pytest.mark.parametrize(
    "model", ["", "anthropic/claude", "bedrock/x", "openai/", "gpt 4", "openai/../x", "openai/a?b"]
)
def test_models_that_name_no_known_provider_or_no_plain_name_are_refused(model):
    with pytest.raises(ValueError):
        split_model(model)


FOUNDRY = "https://x.services.ai.azure.com"


@pytest.mark.parametrize("base", [FOUNDRY, f"{FOUNDRY}/anthropic", f"{FOUNDRY}/anthropic/v1/messages"])
@pytest.mark.parametrize("model", ["azure/claude-sonnet-4-5", "azure_ai/claude-sonnet-4-5"])
def test_claude_is_asked_on_its_own_route_for_chat_too(model, base):
    endpoint = parse_endpoint(model, base, "2024-10-21")
    assert (endpoint.kind, endpoint.api_version, endpoint.host) == ("anthropic", None, "x.services.ai.azure.com")
    for operation in ("messages", "chat.completions"):
        assert url_for(endpoint, "claude-sonnet-4-5", operation) == f"{FOUNDRY}/anthropic/v1/messages"


def test_claude_and_the_others_serve_what_they_serve():
    claude, other = parse_endpoint("azure/claude-x", FOUNDRY, None), parse_endpoint("azure/d", FOUNDRY, None)
    for endpoint, operation in [(claude, "embeddings"), (claude, "models.list"), (other, "messages")]:
        with pytest.raises(ValueError, match="not served"):
            url_for(endpoint, "d", operation)


def test_azure_ai_is_claude_alone():
    with pytest.raises(ValueError, match="azure/my-deployment"):
        parse_endpoint("azure_ai/mistral", FOUNDRY, None)
    assert parse_endpoint("azure_ai/mine", f"{FOUNDRY}/anthropic", None).kind == "anthropic"


@pytest.mark.parametrize(
    ("api_base", "words"),
    [
        ("r.openai.azure.com", "https://"),
        ("https://", "https://"),
        ("ftp://r.openai.azure.com", "https://"),
        ("http://r.openai.azure.com", "unencrypted"),
        ("http://localhost.evil.com", "unencrypted"),
        ("http://127.0.0.1.evil.com", "unencrypted"),
        ("https://user:s3cret@r.openai.azure.com", "user or a password"),
        ("https://s3cret@r.openai.azure.com", "user or a password"),
        (f"{R}/#s3cret", "fragment"),
        (f"{R}/?api-key=s3cret", "query"),
        (f"{R}/../x", "path segment"),
        (f"{R}/%2e%2e/x", "path segment"),
        (f"{R}/a b", "space"),
        (f"{R}\\x", "backslash"),
        (f"{R}/a\nb", "control"),
        ("https://résumé.openai.azure.com", "non-ASCII"),
        ("https://r.openai.azure.com:99999", "not a valid URL"),
        ("https://[::1", "not a valid URL"),
        ("https://-bad-.com", "no valid host"),
        ("https://a..b", "no valid host"),
        ("https://<your-resource>.openai.azure.com", "placeholder"),
        ("https://{resource}.openai.azure.com", "placeholder"),
        ("https://your-resource-name.openai.azure.com", "placeholder"),
        ("https://YOUR_RESOURCE.openai.azure.com", "placeholder"),
        (f"{R}/openai/deployments/d/chat/nonsense", "no known operation"),
        (f"{R}/openai/v1/nonsense", "no known operation"),
        (f"{R}/openai/deployments/b$d", "not a valid name"),
        ("https://x.services.ai.azure.com/models", "another API"),
        (None, "AZURE_API_BASE"),
        ("", "AZURE_API_BASE"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_quoting_a_secret(api_base, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_endpoint("azure/d", api_base, "2024-10-21")
    assert "s3cret" not in str(caught.value)


def test_http_to_another_machine_can_be_allowed():
    assert url("http://gw.internal", "v1", allow_http=True) == "http://gw.internal/openai/v1/chat/completions"


@pytest.mark.parametrize("version", ["2024", "2024-10-21&x=1", "v2", "2024-10-21-PREVIEW?"])
def test_a_version_that_is_neither_date_nor_v1_is_refused(version):
    with pytest.raises(ValueError, match="api_version"):
        parse_endpoint("azure/d", R, version)


@pytest.mark.parametrize("name", ["../../openai/files", "a?api-version=evil", "a/b", "a b", "..", ".", "é", "x" * 65])
def test_a_deployment_name_can_never_change_the_path(name):
    with pytest.raises(ValueError):
        parse_endpoint(f"azure/{name}", R, None)
    with pytest.raises(ValueError):
        url_for(Endpoint("azure", R, "2024-10-21"), name, "chat.completions")


@pytest.mark.parametrize("name", ["a", "gpt-4o", "my_dep.v2", "x" * 64, "..a"])
def test_plain_deployment_names_are_accepted(name):
    assert f"/deployments/{name}/" in url(R, None, model=f"azure/{name}")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "empty"),
        ("abc\n", "whitespace"),
        (" abc", "whitespace"),
        ("a bc", "space"),
        ("a\x00bc", "control"),
        ("ü", "ASCII"),
    ],
)
def test_a_key_that_cannot_travel_is_refused_by_place_and_never_quoted(key, words):
    with pytest.raises(ValueError, match=words) as caught:
        check_key(key, "model_list[0].api_key")
    assert "model_list[0].api_key" in str(caught.value)
    assert "bc" not in str(caught.value)


def test_a_good_key_is_returned_as_it_is():
    assert check_key("k-123~!") == "k-123~!"


@given(st.text(max_size=80), st.none() | st.text(max_size=20))
def test_any_text_as_a_base_gives_an_endpoint_or_a_value_error(base, version):
    try:
        endpoint = parse_endpoint("azure/d", base, version)
    except ValueError:
        return
    assert url_for(endpoint, "d", "chat.completions").startswith(("https://", "http://"))


@given(
    st.sampled_from(sorted(o for o, row in OPERATIONS.items() if "{" not in row.path and not row.anthropic)),
    st.sampled_from(["2024-10-21", "v1", "preview"]),
)
def test_a_url_read_back_as_a_base_gives_the_same_url(operation, version):
    """Whatever URL someone copies from a log can serve as api_base."""
    first = url(R, version, operation=operation)
    assert url(first, None if version == "preview" or "?" in first else version, operation=operation) == first

/* What Azure says around a reply: head, the beginning of a body, and one event of a stream. */
static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nx-ratelimit-limit-requests: 60000000\r\nx-ratelimit-limit-tokens: 1000000000\r\n"
    "x-ratelimit-remaining-requests: 59999999\r\nx-ratelimit-remaining-tokens: 999999000\r\n"
    "apim-request-id: 6f3b2c1e-9d0a-4f58-8a7e-0d6c5b4a3f21\r\nx-request-id: 0b7c9f2e-1d3a-4c5b-9e8f-7a6d5c4b3e2f\r\n"
    "x-ms-region: Sweden Central\r\nx-ms-deployment-name: chat\r\nazureml-model-session: d20261101-bench\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\nx-content-type-options: nosniff\r\n"
    "Date: Wed, 25 Nov 2026 12:00:00 GMT\r\n";
static const char BEGINNING[] =
    "{\"choices\":[{\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"},\"self_harm\":{\"filtered\":"
    "false,\"severity\":\"safe\"},\"sexual\":{\"filtered\":false,\"severity\":\"safe\"},\"violence\":{\"filtered\":false,"
    "\"severity\":\"safe\"}},\"finish_reason\":\"stop\",\"index\":0,\"logprobs\":null,\"message\":{\"annotations\":[],"
    "\"content\":\"";
static const char PIECE[] =
    "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{%s},\"finish_reason\":%s,\"index\":0,\"logprobs\":null}],"
    "\"created\":1764072000,\"id\":\"chatcmpl-bench\",\"model\":\"gpt-4o-2024-11-20\",\"object\":\"chat.completion.chunk\","
    "\"system_fingerprint\":\"fp_b705f0c291\"}\n\n";

"""Signed models: OpenSSF Model Signing v1.0, checked without network where the policy names who has to have signed.

Format (openssf model-signing-spec, and the library model-signing 1.1): a Sigstore bundle v0.3 in JSON with one DSSE
envelope around an in-toto statement v1, whose predicate https://model_signing/signature/v1.0 lists each file with its
digest and whose subject is the SHA-256 over these digests in their order. Only the arithmetic of signatures is left to
libraries (`cryptography`, `sigstore`), which come with the extra `mlgate[signing]`.
"""

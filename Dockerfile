# mlgate's image: the action, and `docker run ... mlgate scan` elsewhere.
# The base is pinned by digest; .github/base says how it moves. Where that registry cannot be reached, any Debian with CPython 3.13 in
# /usr/local serves: --build-arg BASE=...
ARG BASE=python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements-image.lock ./
# Wheels only: nothing is compiled, and no package's setup code runs.
RUN python -m pip install --root-user-action ignore --require-hashes --only-binary :all: --no-compile --target /opt/mlgate/lib -r requirements-image.lock
COPY mlgate /opt/mlgate/lib/mlgate
COPY entrypoint.py LICENSE /opt/mlgate/
# Bytecode that does not look at times, so that equal sources give equal files and start fast in a read-only file system.
RUN rm -rf /opt/mlgate/lib/bin \
    && find /opt/mlgate -type d -name tests -prune -exec rm -rf {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/mlgate

FROM ${BASE}
LABEL org.opencontainers.image.title="mlgate" \
      org.opencontainers.image.description="The supply-chain gate for repositories with machine learning in them" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN if ! command -v git >/dev/null; then \
        apt-get update \
        && apt-get install -y --no-install-recommends git ca-certificates \
        && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*; \
    fi
COPY --from=build /opt/mlgate /opt/mlgate
RUN printf '/opt/mlgate/lib\n' > "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mlgate.pth" \
    && printf '#!/bin/sh\nexec python -I -m mlgate "$@"\n' > /usr/local/bin/mlgate \
    && chmod 755 /usr/local/bin/mlgate
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Stays root: the runner mounts files that only root may write. Workers that read hostile bytes become nobody.
ENTRYPOINT ["python", "-I", "/opt/mlgate/entrypoint.py"]

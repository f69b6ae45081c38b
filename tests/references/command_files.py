"""Files that hold commands, in the forms that people write."""

SHELL = """\
#!/bin/bash
# it's a comment
set -e
huggingface-cli download \\
    a/b --local-dir "x
y"
cat <<'END' > note.txt
don't ollama pull z
END
ollama pull c   # and 'this
x="$(date)
"
vllm serve d/e && true
CUDA_VISIBLE_DEVICES=0 \\
 hf download f/g
"""

DOCKERFILE = """\
ARG MODEL=a/default
FROM ghcr.io/huggingface/text-generation-inference:2.0 AS server
ENV MODEL_ID=g/h PORT=80
RUN apt-get update \\
    # a comment between
    && huggingface-cli download ${MODEL} \\

       --revision main
RUN <<EOF
ollama pull b
EOF
RUN --mount=type=cache,target=/c python -c "import timm; timm.create_model('hf-hub:c/d', pretrained=True)"
ADD https://huggingface.co/e/f/resolve/main/x.gguf /m/
FROM vllm/vllm-openai:v0.6
CMD ["--model", "i/j", "--port", "8000"]
FROM python:3.12
ENTRYPOINT ["vllm", "serve"]
CMD ["k/l"]
"""

MAKEFILE = """\
MODEL ?= a/b
LIST := x y
get: dep
\t@hf download $(MODEL) \\
\t    --revision main
\tfor m in $(LIST); do ollama pull $$m; done
"""

JUSTFILE = """\
model := "a/b"
get other="c/d":
    hf download {{model}}
    @hf download {{ other }}
"""

COMPOSE = """\
services:
  tgi:
    image: ghcr.io/huggingface/text-generation-inference:latest
    command: --model-id ${MODEL:-a/b} --port 80
  tei:
    image: ghcr.io/huggingface/text-embeddings-inference:cpu-1.5
    environment:
      - MODEL_ID=c/d
  vllm:
    image: "vllm/vllm-openai:latest"
    command: ["--model", "e/f"]
  pull:
    image: ollama/ollama
    entrypoint: ["/bin/sh", "-c"]
    command: "'sleep 5; ollama pull g'"
models:
  small:
    # of Docker's Model Runner
    model: ai/m:360M
"""

KUBERNETES = """\
apiVersion: apps/v1
kind: Deployment
spec:
  containers:
  - image: vllm/vllm-openai:v0.6
    command: ["/bin/sh", "-c"]
    args:
    - |
      vllm serve $(MODEL) --port 1
      vllm serve $SECRET
    env:
    - name: MODEL
      value: a/b
    - name: SECRET
      valueFrom: {secretKeyRef: {name: x, key: y}}
  - image: ghcr.io/huggingface/text-generation-inference:1
    args:
    - --model-id
    - c/d
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
spec:
  model:
    storageUri: "hf://e/f:abc"
"""

HELM = """\
apiVersion: v1
kind: Pod
metadata:
  {{- include "x" . | nindent 4 }}
spec:
  containers:
  {{- if .Values.x }}
  - image: "{{ .Values.image }}"
    command: ["vllm", "serve", "{{ .Values.model }}"]
  - image: "vllm/vllm-openai:{{ .Values.tag }}"
    args: ["--model", "k/l"]
  {{- end }}
"""

WORKFLOW = """\
on: push
env:
  MODEL: t/op
jobs:
  a:
    strategy:
      matrix:
        model: [m/1, m/2]
    steps:
      - uses: actions/checkout@v4
      - run: hf download ${{ matrix.model }}
      - run: |
          hf download "$MODEL"
          hf download ${{ env.MODEL }} \\
            --revision x
      - run: >-
          hf download
          f/olded
      - run: hf download ${{ secrets.M }}
"""

ALPHABET = "ab \t\n\\'\"$`(){}[]<>|&;#=!*?~-+:/@,.0%\ue000\u2028é"

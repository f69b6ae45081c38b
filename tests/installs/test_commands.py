"""Commands that install, in the forms that people write: each requirement once, none invented, none lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.installs.commands import INSPECTOR
from mlgate.records import Component, Severity
from tests.reading import Said, artifact, read

DIGEST = "sha256:" + "ab" * 32


def shell(text: str) -> Said:
    return read(INSPECTOR, "scripts/setup.sh", text)


def docker(text: str) -> Said:
    return read(INSPECTOR, "Dockerfile", text)


def purls(said: Said) -> list[str]:
    return [c.purl or "" for c in said.components]


def at(component: Component) -> tuple[int | None, int | None]:
    place = component.occurrences[0].location
    return place.cell, place.line


DOCKERFILE = f"""\
ARG CUDA=12.1.0
FROM nvidia/cuda:${{CUDA}}-devel AS build
ARG TORCH=2.1.0
COPY docker/requirements-gpu.txt constraints.txt /tmp/
RUN --mount=type=cache,target=/root/.cache apt-get update && apt-get install -y python3-pip curl && \\
    # the runtime
    pip3 install --no-cache-dir -U torch==${{TORCH}} "transformers[torch]>=4.30" \\

      numpy && \\
    python3 -m pip install -r /tmp/requirements-gpu.txt -e '.[dev]'
RUN ["pip", "install", "flask==2.0", "."]
RUN <<EOF
pip install pandas==1.0
EOF
FROM build AS next
RUN echo "pip install nothing" && conda install -y -c pytorch pytorch=2.0 python=3.10.1=abc
FROM scratch
COPY --from=build /a /b
COPY --from=ghcr.io/astral-sh/uv:0.4 /uv /bin/
FROM python:3.11@{DIGEST}
CMD ["pip", "list"]
"""


def test_a_dockerfile_gives_its_packages_and_images_with_their_lines() -> None:
    said = docker(DOCKERFILE)
    assert {(c.purl, at(c)[1]) for c in said.components} == {
        ("pkg:pypi/torch@2.1.0", 7),
        ("pkg:pypi/transformers", 7),
        ("pkg:pypi/numpy", 9),
        ("pkg:pypi/flask@2.0", 11),
        ("pkg:pypi/pandas@1.0", 13),
        ("pkg:conda/pytorch", 16),
        ("pkg:conda/python@3.10.1?build=abc", 16),
        ("pkg:docker/nvidia/cuda@12.1.0-devel", 2),
        ("pkg:docker/astral-sh/uv@0.4?repository_url=ghcr.io", 19),
        (f"pkg:docker/python@{DIGEST}", 20),
    }
    python = next(c for c in said.components if c.purl and "docker/python" in c.purl)
    assert python.pinned
    assert python.hashes[0].value == "ab" * 32
    assert python.hashes[0].declared
    assert {i.path for i in said.includes} == {
        "docker/requirements-gpu.txt",
        "requirements-gpu.txt",
        "tmp/requirements-gpu.txt",
    }
    assert all(i.optional and i.reader == "requirements" for i in said.includes)
    assert sorted(said.rules) == ["MLG-DEP-011", "MLG-DEP-021", "MLG-DEP-051", "MLG-DEP-051"]
    assert said.stopped is None


def test_a_notebook_gives_cell_and_line() -> None:
    cells = [
        "!pip install -q torch==2.0 'transformers>=4'\n%pip install x==1\nimport os\npip install y==3 # why",
        "%%bash\nuvx ruff@0.4.1 check && pip install -r reqs.txt",
        "%%capture\n!{sys.executable} -m pip install zz==1\nV = '1.2'\n!pip install vv=={V}",
        "%%writefile setup.txt\n!pip install no==1",
        "pip = 3\nprint('!pip install no==1')\n%conda install -c conda-forge aa=1",
    ]
    book = {"cells": [{"cell_type": "code", "source": c} for c in cells], "metadata": {}, "nbformat": 4}
    said = read(INSPECTOR, "nb/a.ipynb", json.dumps(book))
    assert [(c.purl, *at(c)) for c in said.components] == [
        ("pkg:pypi/torch@2.0", 1, 1),
        ("pkg:pypi/transformers", 1, 1),
        ("pkg:pypi/x@1", 1, 2),
        ("pkg:pypi/y@3", 1, 4),
        ("pkg:pypi/ruff@0.4.1", 2, 2),
        ("pkg:pypi/zz@1", 3, 2),
        ("pkg:pypi/vv@1.2", 3, 4),
        ("pkg:conda/aa", 5, 3),
    ]
    assert {i.path for i in said.includes} == {"nb/reqs.txt", "reqs.txt"}


WORKFLOW = """\
on: push
env:
  PIP_INDEX_URL: https://user:secret@mirror.example/simple
jobs:
  test:
    runs-on: ubuntu-latest
    container: nvcr.io/nvidia/pytorch:23.10-py3
    strategy:
      matrix:
        torch: ["1.13", "2.0"]
    services:
      db:
        image: postgres:latest
    steps:
      - uses: docker://alpine:3
      - uses: actions/checkout@v4
        with:
          image: not-one:1
      - run: pip install torch==${{ matrix.torch }} -r tests/requirements.txt
      - run: |
          pip install .
          pip install ${{ inputs.package }} lib==${{ inputs.version }}
"""


def test_a_workflow_gives_its_matrix_as_packages_of_development() -> None:
    said = read(INSPECTOR, ".github/workflows/ci.yml", WORKFLOW)
    assert purls(said) == [
        "pkg:pypi/torch@1.13",
        "pkg:pypi/torch@2.0",
        "pkg:pypi/lib",
        "pkg:docker/nvidia/pytorch@23.10-py3?repository_url=nvcr.io",
        "pkg:docker/postgres@latest",
        "pkg:docker/alpine@3",
    ]
    facts = said.components[0].package
    assert facts
    assert (facts.scope, facts.group, facts.index) == ("dev", "pip install", "https://mirror.example/simple")
    untold = [f for f in said.findings if f.rule.id == "MLG-DEP-052"]
    assert [(f.location.line, f.evidence) for f in untold] == [(22, "pip install ${{ inputs.package }}")]
    images = {f.subject: f.severity for f in said.findings if f.rule.id == "MLG-DEP-051"}
    assert images["pkg:docker/postgres"] is Severity.LOW
    assert images["pkg:docker/alpine"] is Severity.INFO


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("uv pip install --system -p 3.11 a==1", ["pkg:pypi/a@1"]),
        ("uv add --dev 'a>=1' b", ["pkg:pypi/a", "pkg:pypi/b"]),
        ("uv tool install a==1 --with b==2,c", ["pkg:pypi/a@1", "pkg:pypi/b@2", "pkg:pypi/c"]),
        ("uvx --from 'a[x]==1' cmd install b", ["pkg:pypi/a@1"]),
        ("uvx a@1.2 install b", ["pkg:pypi/a@1.2"]),
        ("uv run --with a==1 python -m pip --version", ["pkg:pypi/a@1"]),
        ("pipx install a==1 && pipx run b==2 c", ["pkg:pypi/a@1", "pkg:pypi/b@2"]),
        ("poetry add a@^1.2 b@2.0.5 && poetry install --with dev", ["pkg:pypi/a", "pkg:pypi/b@2.0.5"]),
        ("poetry run pip install a==1", ["pkg:pypi/a@1"]),
        ("sudo -H /opt/venv/bin/pip3.11 install a==1", ["pkg:pypi/a@1"]),
        ("conda run -n x pip install a==1", ["pkg:pypi/a@1"]),
        ('bash -c "pip install a==1"', ["pkg:pypi/a@1"]),
        ("if ! pip install a==1; then pip install b==1; fi", ["pkg:pypi/a@1", "pkg:pypi/b@1"]),
        ("P='a==1 b==2'\npip install $P", ["pkg:pypi/a@1", "pkg:pypi/b@2"]),
        ("for p in a b; do pip install $p==1; done", ["pkg:pypi/a@1", "pkg:pypi/b@1"]),
        ("$PIP install a==1; ${PYTHON} -m pip install b==1", ["pkg:pypi/a@1", "pkg:pypi/b@1"]),
        ("pip install torch>=2.0", ["pkg:pypi/torch"]),  # the shell writes to a file
        ("pip install -qr requirements.txt --target x a==1", ["pkg:pypi/a@1"]),
        ("pip install ./dist/a-1.0-py3-none-any.whl /tmp/b.whl ../c", []),
        ("pip install --group pyproject.toml:tests; pip install .[dev] -e ./x[y]", []),
        ("uv pip install 'a[b] @ .' c==1", ["pkg:pypi/c@1"]),
        ("npm install -g a@1.2.3 @s/b@^2 && npm ci", ["pkg:npm/a@1.2.3", "pkg:npm/%40s/b"]),
        ("yarn add a@1.2.3; yarn install; npx -y c@1.0.0 run", ["pkg:npm/a@1.2.3", "pkg:npm/c@1.0.0"]),
        ("mamba create -n e -c conda-forge 'a>=1' b=2", ["pkg:conda/a", "pkg:conda/b"]),
        ("$STD uv pip install a==1; ${SUDO:-} apt-get install b", ["pkg:pypi/a@1"]),
        ("podman run --rm \"${V[@]}\" img bash -c 'pip install a==1'", ["pkg:pypi/a@1"]),
        (
            'f() {\n  case $1 in\n    x) if pip install "$1" a==1; then return; fi ;;\n  esac\n}\nf b==2',
            ["pkg:pypi/b@2", "pkg:pypi/a@1"],
        ),
        ("echo pip install a; apt-get install -y python3-pip pip", []),
        ("git commit -m 'pip install a'; grep 'pip install b' README", []),
        ("pip install --upgrade; pip uninstall a; pip list; pip freeze", []),
        ("cat <<E > x\npip install a\nE\n# pip install b", []),
    ],
)
def test_what_a_command_installs(text: str, wanted: list[str]) -> None:
    said = shell(text)
    assert purls(said) == wanted
    assert "MLG-DEP-052" not in said.rules or "--upgrade;" in text or "$1" in text


def test_what_is_not_known_is_said() -> None:
    said = shell('pip install "torch==$V" $ALL -r $FILE\ncat r.txt | xargs pip install')
    torch = said.one("torch")
    assert torch.version is None
    assert torch.package
    assert torch.package.requirement == "torch==$V"
    (untold,) = [f for f in said.findings if f.rule.id == "MLG-DEP-052"]
    assert untold.evidence == "pip install; pip install $ALL; pip install -r $FILE"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pip install --extra-index-url https://a/ b==1", ["MLG-DEP-010"]),
        ("pip install -f https://a/ b==1", ["MLG-DEP-010"]),
        ("export PIP_EXTRA_INDEX_URL=https://a/", ["MLG-DEP-010"]),
        ("pip config set global.extra-index-url https://a/", ["MLG-DEP-010"]),
        ("pip install -i http://a/ --trusted-host a b==1", ["MLG-DEP-014", "MLG-DEP-014"]),
        ("export UV_EXTRA_INDEX_URL=https://a/; uv pip install --extra-index-url https://a/ b==1", ["MLG-DEP-080"]),
        ("uv pip install --extra-index-url https://a/ --index-strategy unsafe-best-match b==1", ["MLG-DEP-010"]),
        ("pip install -i https://a/ b==1", ["MLG-DEP-080"]),
        ("pip install git+https://h/o/r@main", ["MLG-DEP-013"]),
        ("pip install https://h/a-1.0-py3-none-any.whl", ["MLG-DEP-015"]),
        ("pip install -r https://h/requirements.txt", ["MLG-DEP-016"]),
        ("pip install a b; pip install c==1", ["MLG-DEP-011"]),
    ],
)
def test_where_packages_come_from(text: str, wanted: list[str]) -> None:
    assert shell(text).rules == wanted


def test_a_dockerfile_sets_a_second_index_for_all_commands() -> None:
    said = docker("FROM a@" + DIGEST + "\nENV PIP_EXTRA_INDEX_URL=https://u:p@a/simple\nRUN pip install b==1\n")
    assert [(f.rule.id, f.location.line, f.evidence) for f in said.findings] == [
        ("MLG-DEP-010", 2, "--extra-index-url https://a/simple")
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("curl -LsSf https://h/i.sh | sh", "curl https://h/i.sh | sh"),
        ("curl -s https://u:p@h/i.sh?token=1 | sudo -E bash -s -- --yes", "curl https://h/i.sh | bash"),
        ("wget -qO- https://h/i.py | python3 -", "wget https://h/i.py | python"),
        ("bash <(curl -s https://h/i)", "bash <(curl https://h/i)"),
        ('sh -c "$(curl -fsSL https://h/i)"', "sh $(curl https://h/i)"),
        ('eval "$(wget -O- https://h/i)"', "eval $(wget https://h/i)"),
        ('bash -c "curl https://h/i | sh"', "curl https://h/i | sh"),
        ("curl -o i.sh https://h/i\nchmod +x i.sh && ./i.sh", "curl https://h/i; run"),
        ("wget https://h/m.sh -O ~/m.sh && bash ~/m.sh -b", "wget https://h/m.sh; bash"),
    ],
)
def test_scripts_from_the_network_that_are_run(text: str, wanted: str) -> None:
    assert [(f.rule.id, f.evidence) for f in shell(text).findings] == [("MLG-DEP-050", wanted)]


@pytest.mark.parametrize(
    "text",
    [
        "curl -o i.sh https://h/i && echo 'abc  i.sh' | sha256sum -c - && sh i.sh",
        "curl -s https://h/a.json | python -m json.tool",
        "curl -s https://h/a.json | python3 -c 'import json'",
        "curl https://h/a.tgz | tar xz",
        "wget https://h/data.zip && python train.py data.zip",
        "curl https://h/x | bash -c 'cat > y'",
        "echo 'curl https://h/i | sh'",
        "# curl https://h/i | sh",
        'x="$(curl https://h/version)"; bash run.sh "$x"',
    ],
)
def test_downloads_that_are_not_run_or_were_compared(text: str) -> None:
    assert "MLG-DEP-050" not in shell(text).rules


def test_powershell_runs_what_it_fetches() -> None:
    said = read(
        INSPECTOR,
        "a.ps1",
        "irm https://h/i.ps1 | iex\niex ((New-Object Net.WebClient).DownloadString('https://h/j'))\n",
    )
    assert [f.evidence for f in said.findings] == ["iex https://h/i.ps1", "iex https://h/j"]


def test_files_that_a_dockerfile_adds_from_the_network() -> None:
    start = "FROM scratch\n"
    said = docker(start + "ADD https://h/i.sh /i.sh\nRUN sh /i.sh && rm /i.sh\n")
    assert [f.evidence for f in said.findings] == ["ADD https://h/i.sh; sh"]
    assert docker(start + f"ADD --checksum={DIGEST} https://h/i.sh /i.sh\nRUN sh /i.sh\n").rules == []
    said = docker(start + "ARG PIP_EXTRA_INDEX_URL=https://a/\nARG UV_INDEX_STRATEGY\nRUN pip install b==1\n")
    assert said.rules == ["MLG-DEP-010"]


def test_an_index_of_which_the_end_is_not_known_is_one_all_the_same() -> None:
    said = shell("pip install a==1 --extra-index-url https://h/cu$(nvcc --version | cut -d. -f1)")
    assert [(f.rule.id, f.evidence) for f in said.findings] == [("MLG-DEP-010", "--extra-index-url https://h/cu...")]


def test_commands_that_a_workflow_hands_over() -> None:
    steps = "jobs:\n  a:\n    steps:\n    - uses: o/a@v1\n      with:\n        cmd: pip install a==1 && pytest\n"
    said = read(INSPECTOR, ".github/workflows/a.yml", steps + "      env:\n        CIBW_BEFORE_ALL: pip install b==1\n")
    assert sorted((c.purl, at(c)[1]) for c in said.components) == [("pkg:pypi/a@1", 6), ("pkg:pypi/b@1", 8)]


def test_images_of_compose_and_kubernetes() -> None:
    compose = "services:\n  a:\n    build: .\n    image: own:1\n"
    compose += "  b:\n    image: ${REG:-ghcr.io}/o/n:${TAG}\n  c:\n    image: redis\n"
    said = read(INSPECTOR, "docker-compose.yml", compose)
    assert purls(said) == ["pkg:docker/redis"]
    assert sorted(said.rules) == ["MLG-DEP-051", "MLG-DEP-052"]
    pod = f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: localhost:5000/a/b@{DIGEST}\n"
    pod += "    command: [sh, -c, pip install x==1]\n"
    said = read(INSPECTOR, "k8s/pod.yaml", pod)
    assert purls(said) == ["pkg:pypi/x@1", f"pkg:docker/a/b@{DIGEST}?repository_url=localhost:5000"]
    assert said.rules == []


@given(st.text(alphabet="pip install-rcef '\"$(){}<>|&;\\\n=@:/.#FROMxRUNcurl", max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    for path in ("a.sh", "Dockerfile", "Makefile", "docker-compose.yml", "a.ps1"):
        for start in ("pip install ", "FROM ", "curl x | ", "image: "):
            read(INSPECTOR, path, start + text)


def test_it_claims_what_holds_commands() -> None:
    assert INSPECTOR.claims(artifact("a/Dockerfile.gpu", b""))
    assert INSPECTOR.claims(artifact("a.ipynb", b"{}"))
    assert not INSPECTOR.claims(artifact("a.py", b"pip install x"))


def test_what_an_image_runs_when_another_is_built_on_it() -> None:
    said = docker("FROM a@" + DIGEST + "\nONBUILD RUN pip install --extra-index-url https://b/simple c==1\nONBUILD\n")
    assert [(f.rule.id, f.location.line) for f in said.findings] == [("MLG-DEP-010", 2)]
    assert said.one("c").version == "1"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("env PIP_EXTRA_INDEX_URL=https://a/ pip install b==1", ["MLG-DEP-010"]),
        ("sudo PIP_EXTRA_INDEX_URL=https://a/ pip install b==1", ["MLG-DEP-010"]),
        ("export PIP_CONFIG_FILE=/opt/x.conf", ["MLG-DEP-052"]),
        ("export PIP_CONFIG_FILE=/dev/null", []),
        ("export PIP_CONFIG_FILE=docker/pip.conf", []),
        ("$(which pip3) install b", ["MLG-DEP-011"]),
        ("`command -v python3` -m pip install b", ["MLG-DEP-011"]),
        ("curl https://h/x | base64 -d | sh", ["MLG-DEP-050"]),
        ("curl https://h/x | base64 -d > key.pem", []),
        ("docker run --rm -it me/image:latest pip install b", ["MLG-DEP-011", "MLG-DEP-051"]),
        ("docker run --rm $IMAGE echo", []),
        ("docker build -t me/image .", []),
    ],
)
def test_ways_around_the_plain_command(text: str, wanted: list[str]) -> None:
    assert sorted(shell(text).rules) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM scratch\nADD https://h/a.tgz /opt/\n", ["MLG-DEP-015"]),
        ("FROM scratch\nADD --checksum=sha256:0 https://h/a.tgz /opt/\n", []),
        ("FROM scratch\nADD https://h/r.git#0123456789abcdef0123456789abcdef01234567 /opt/\n", []),
        ("FROM scratch\nADD a.tgz /opt/\n", []),
        ("# syntax=me/dockerfile:1\nFROM scratch\n", ["MLG-DEP-051"]),
        ("# syntax=docker/dockerfile:1\n# check=error=true\nFROM scratch\n", []),
        ("FROM scratch\n# syntax=me/dockerfile:1\n", []),
    ],
)
def test_what_a_dockerfile_gets_besides_its_images(text: str, wanted: list[str]) -> None:
    assert docker(text).rules == wanted


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".readthedocs.yaml", "build:\n  jobs:\n    post_install:\n      - pip install a\n"),
        ("Taskfile.yml", "version: 3\ntasks:\n  x:\n    cmds:\n      - pip install a\n"),
        ("azure-pipelines-nightly.yml", "steps:\n- bash: pip install a\n"),
        ("bitbucket-pipelines.yml", "pipelines:\n  default:\n  - step:\n      script:\n      - pip install a\n"),
        ("buildspec.yml", "phases:\n  install:\n    commands:\n      - pip install a\n"),
        (".drone.yml", "kind: pipeline\nsteps:\n- name: x\n  commands:\n  - pip install a\n"),
        (".gitpod.yml", "tasks:\n- init: pip install a\n"),
    ],
)
def test_scripts_of_other_services(path: str, text: str) -> None:
    assert INSPECTOR.claims(artifact(path, text.encode()))
    (found,) = read(INSPECTOR, path, text).components
    assert found.package
    assert (found.name, found.package.scope) == ("a", "dev")

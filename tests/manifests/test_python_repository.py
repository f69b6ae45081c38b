"""Python's manifests together, through the whole pipeline."""

from __future__ import annotations

from pathlib import Path

from tests.test_pipeline import look, told

FILES = {
    "setup.py": "from setuptools import setup\nsetup(install_requires=open('deps.txt').read().split())\n",
    "deps.txt": "pillow==9.0\n",
    "pkg/setup.cfg": "[options]\ninstall_requires = file: gone.txt\n",
    "environment.yml": "dependencies:\n  - numpy=1.26\n  - pip:\n    - torch==1.9.0\n    - -r more.txt\n",
    "more.txt": "six==1.0\n",
    "model/MLmodel": "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n",
    "model/conda.yaml": "dependencies:\n- python=3.10\n- pip:\n  - mlflow==2.9.0\n",
    "model/python_env.yaml": "python: 3.10\nbuild_dependencies:\n- pip==23.1\ndependencies:\n- -r requirements.txt\n",
    "model/requirements.txt": "scikit-learn==1.3.0\n",
    "run.py": "# /// script\n# dependencies = ['rich==13.0']\n# ///\nimport rich\n",
    "Pipfile": "[packages]\nflask = '==2.0'\n",
}


def test_a_repository_of_many_manifests(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    result = look(tmp_path)
    purls = {c.purl for c in result.inventory.components if c.package and c.version}
    names = ("pillow@9.0", "torch@1.9.0", "six@1.0", "mlflow@2.9.0", "pip@23.1", "rich@13.0", "flask@2.0")
    assert purls == {*(f"pkg:pypi/{name}" for name in names), "pkg:pypi/scikit-learn@1.3.0"}
    about = {(rule, path) for rule, path in told(result) if rule.startswith(("MLG-INC", "MLG-DEP-02", "MLG-DEP-018"))}
    assert about == {
        ("MLG-INC-008", "pkg/setup.cfg"),
        ("MLG-DEP-021", "environment.yml"),
        ("MLG-DEP-021", "model/conda.yaml"),
    }

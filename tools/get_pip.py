"""What ansible-test runs to bring pip into its virtual environments, made of Python's own copy of pip.

ansible-test downloads a script for that from a host of Ansible's CI, where it then asks for exact versions. This one
starts with the pip that comes with Python (ensurepip), and takes those versions from the package index as usual.
"""

from __future__ import annotations

import subprocess
import sys

OPTIONS_OF_GET_PIP = {"--no-setuptools", "--no-wheel"}


def main() -> int:
    """Entry point; the arguments are those of ``pip install``."""
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    arguments = [item for item in sys.argv[1:] if item not in OPTIONS_OF_GET_PIP]
    return subprocess.run([sys.executable, "-m", "pip", "install", "-q", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

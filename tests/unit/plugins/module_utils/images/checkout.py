"""A checkout with images so small that a real Go toolchain builds them in seconds, and offline."""

from __future__ import annotations

from pathlib import Path

VERSIONS = """
demo:
  source: example.com/demo
  default: 1.0.0
  versions: {1.0.0: v1.0.0, 1.1.0: v1.1.0}
"""

# A component with a program, a helper, a link, a file of its module and directories.
PROGRAM = """
title: A program
component: demo
budget_mb: 20
programs: {example.com/demo/cmd/hello: /usr/local/bin/hello}
stamp: main.version=v{version}
helpers: {probe: /usr/local/bin/probe}
links: {/usr/local/bin/hi: hello}
module_files:
  sample/config.yaml:
    path: /etc/demo/config.yaml
    merge: {listen: {port: 8080}, added: [1]}
directories: [/tmp, /var/lib/demo]
config: {User: "10001:10001", Entrypoint: [/usr/local/bin/hello]}
upstream: {remove: [/etc/demo/msp, /etc/nowhere]}
"""

# No component: a root file system from a script and an input folder, nothing compiled.
SCRIPTED = """
title: A script
version: "2.0"
budget_mb: 1
rootfs: {script: rootfs.py, arguments: [app]}
inputs: [app]
config: {User: "10001:10001"}
"""

# The same with a helper.
HELPED = SCRIPTED.replace("A script", "A script with a helper").replace("budget_mb: 1", "budget_mb: 20") + (
    "helpers: {probe: /usr/local/bin/probe}\n"
)

# No image: a program for hosts.
TOOL = """
title: A tool
component: demo
programs: {example.com/demo/cmd/hello: tool}
stamp: main.version=v{version}+ours
"""

ROOTFS = """
import io, pathlib, sys, tarfile
with tarfile.open(sys.argv[1], "w") as tar:
    info = tarfile.TarInfo("opt/main.py")
    data = pathlib.Path(sys.argv[2], "main.py").read_bytes()
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
"""

HELLO = 'package main\n\nvar version = "none"\n\nfunc main() { println("hello", version) }\n'


def write(root: Path) -> Path:
    """Lay the checkout out below ``root``."""
    files = {
        "images/versions.yml": VERSIONS,
        "images/program/image.yml": PROGRAM,
        "images/tool/program.yml": TOOL,
        "images/scripted/image.yml": SCRIPTED,
        "images/scripted/rootfs.py": ROOTFS,
        "images/helped/image.yml": HELPED,
        "images/helped/rootfs.py": ROOTFS,
        "images/helper/go.mod": "module example.com/helper\n\ngo 1.21\n",
        "images/helper/cmd/probe/main.go": 'package main\n\nfunc main() { println("probe") }\n',
        "app/main.py": "print('app')\n",
        "source/go.mod": "module example.com/demo\n\ngo 1.21\n",
        "source/cmd/hello/main.go": HELLO,
        "source/sample/config.yaml": "listen: {host: localhost, port: 1}\nkept: true\n",
    }
    for version in ("1.0.0", "1.1.0"):
        files[f"images/pins/demo-{version}/go.mod"] = (
            "module pins\n\ngo 1.21\n\n"
            f"require example.com/demo v{version}\n\nreplace example.com/demo => ../../../source\n"
        )
        files[f"images/pins/demo-{version}/go.sum"] = ""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root

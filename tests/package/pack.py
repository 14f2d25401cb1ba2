"""`make package`: everything that a deployment needs, in one archive: dist/rootwatch-<version>-<architecture>.tar.gz.

The same commit gives the same bytes: order, times, owners and modes are set here, and the programs know no path of the machine.

usage: python pack.py ARCHITECTURE BUILT SANDBOX OUT     (needs git, cargo, and package.txt)
    BUILT    the folder in which `sam build` left a folder with `bootstrap` for each function, or one with the programs by their names
    SANDBOX  the program of the demo
"""

import gzip
import hashlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path

# No call to AWS; the translator only asks for the name of a Region.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
logging.getLogger("samtranslator").setLevel(logging.ERROR)

import yaml  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: F401, E402  (registers the resource types)
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

PROJECT = Path(__file__).parent.parent.parent
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# The demo runs these two beside the sandbox.
OF_THE_DEMO = {"Checker": "checker", "Reporter": "reporter"}
LICENCE_FILES = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
PROGRAM, DATA = 0o755, 0o644


def run(*command):
    return subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout


class Whole(yaml.SafeDumper):
    """YAML without anchors and aliases: CloudFormation accepts none."""

    def ignore_aliases(self, _):
        return True


Whole.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None))


class NoManagedPolicies:
    """The template names none, so none has to be looked up."""

    def load(self):
        return {}


def template(architecture):
    """The template as plain CloudFormation, each function's code a zip beside it; and which program each function runs.

    Without the SAM transform, because CDK's CfnInclude does not take what it has, and a deployment needs one capability less.
    """
    whole = yaml_parse(PROJECT.joinpath("template.yaml").read_text())
    programs = {}
    for name, resource in whole["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            programs[name] = resource.pop("Metadata")["BuildProperties"]["Binary"]
            resource["Properties"]["CodeUri"] = f"s3://beside/functions/{programs[name]}.zip"
    del whole["Metadata"]["cfn-lint"]
    # Without values of parameters: their references stay.
    whole = transform(whole, {}, NoManagedPolicies())
    for resource in whole["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = resource["Properties"]["Code"]["S3Key"]
    # The programs beside it are built for one architecture.
    whole["Parameters"]["Architecture"] |= {"Default": architecture, "AllowedValues": [architecture]}
    text = yaml.dump(json.loads(json.dumps(whole)), Dumper=Whole, sort_keys=False, width=140, allow_unicode=True)
    return text.encode(), programs


def zipped(program, time):
    """A function's code: its program, executable, under the name that Lambda's runtime starts."""
    file = zipfile.ZipInfo("bootstrap", datetime.fromtimestamp(time, UTC).timetuple()[:6])
    file.create_system, file.external_attr, file.compress_type = 3, (0o100000 | PROGRAM) << 16, zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(file, program, compresslevel=9)
    return buffer.getvalue()


def machine(program):
    """The architecture that an ELF program is built for (e_machine)."""
    return {62: "x86_64", 183: "arm64"}.get(int.from_bytes(program[18:20], "little")) if program[:4] == b"\x7fELF" else None


def linked(packages, architecture):
    """What is linked into the programs: {(name, version): the same of each that it uses}. Cargo says it."""
    selected = [word for package in packages for word in ("--package", package)]
    options = ["--locked", "--edges", "normal,no-proc-macro", "--target", TARGETS[architecture], "--prefix", "depth"]
    uses, path = {}, []
    for line in run("cargo", "tree", *selected, *options).splitlines():
        if found := re.match(r"(\d+)(\S+) v(\S+)", line):
            depth, package = int(found[1]), (found[2], found[3])
            uses.setdefault(package, set())
            path[depth:] = [package]
            if depth:
                uses[path[depth - 1]].add(package)
    return uses


def described(uses):
    """Cargo's description of each package in `uses`."""
    packages = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1"))["packages"]
    return {key: package for package in packages if (key := (package["name"], package["version"])) in uses}


def checksums():
    """The registry's SHA-256 of each package, as Cargo.lock has it."""
    lock = tomllib.loads(PROJECT.joinpath("Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def sbom(version, commit, architecture, time, uses, packages):
    """CycloneDX 1.6, valid by its schema."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    sums, licences = checksums(), LicenseFactory()

    def component(key):
        package = packages[key]
        return Component(
            type=ComponentType.LIBRARY,
            name=key[0],
            version=key[1],
            bom_ref=f"{key[0]}@{key[1]}",
            # Written "A/B" by some: the same as "A OR B" (https://doc.rust-lang.org/cargo/reference/manifest.html#the-license-and-license-file-fields).
            licenses=[licences.make_from_string(package["license"].replace("/", " OR "))] if package["license"] else None,
            purl=PackageURL("cargo", name=key[0], version=key[1]) if package["source"] else None,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sums[key])] if sums.get(key) else None,
        )

    components = {key: component(key) for key in sorted(uses)}
    bom = Bom(
        components=components.values(),
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"rootwatch {version} {commit} {architecture}"),
    )
    bom.metadata.timestamp = datetime.fromtimestamp(time, UTC)
    bom.metadata.component = Component(type=ComponentType.APPLICATION, name="rootwatch", version=version, bom_ref="rootwatch")
    used = {key for each in uses.values() for key in each}
    bom.register_dependency(bom.metadata.component, [components[key] for key in sorted(uses) if key not in used])
    for key, each in sorted(uses.items()):
        bom.register_dependency(components[key], [components[other] for other in sorted(each)])
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert fault is None, fault
    return text.encode()


def licences(packages):
    """The licences of what is inside, each text once, after the packages that carry it."""
    texts, none = {}, []
    for (name, version), package in sorted(packages.items()):
        if package["source"] is None:
            continue
        folder = Path(package["manifest_path"]).parent
        files = sorted(file for file in folder.iterdir() if file.is_file() and LICENCE_FILES.match(file.name))
        for file in files:
            texts.setdefault(file.read_text(errors="replace").strip(), []).append(f"{name} {version}")
        if not files:
            none.append(f"{name} {version}: {package['license']}")
    parts = ["\n".join(["Rust libraries in the programs of this archive, and their licences."])]
    parts += [f"{chr(10).join(sorted(set(users)))}\n\n{text}" for text, users in sorted(texts.items(), key=lambda item: item[1])]
    if none:
        parts.append("\n".join(["Packages that carry no licence text, and the licence that they name:", *none]))
    return f"\n\n{'-' * 80}\n\n".join(parts).encode() + b"\n"


def tar(folder, files, time):
    """A tar.gz of `files`, {path: (content, mode)}, in one folder."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mode, entry.mtime = len(content), mode, time
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def pack(architecture, built, sandbox):
    """The archive's name and bytes."""
    version = tomllib.loads(PROJECT.joinpath("Cargo.toml").read_text())["workspace"]["package"]["version"]
    commit, time = run("git", "log", "-1", "--format=%H %ct").split()
    # A zip has no time before 1980.
    time = max(int(os.environ.get("SOURCE_DATE_EPOCH", time)), 315_532_800)
    if run("git", "status", "--porcelain", "--untracked-files=no"):
        commit += " and changes that are not committed"
    yaml_text, programs = template(architecture)
    code = {}
    for name, program in programs.items():
        path = next((path for path in (Path(built, name, "bootstrap"), Path(built, program)) if path.is_file()), None)
        if path:
            same = code.setdefault(program, path).read_bytes() == path.read_bytes()
            assert same, f"{path} and {code[program]} are one program and differ: one of them was copied before it was written to its end"
    missing = sorted(set(programs.values()) - set(code))
    assert not missing, f"not built: {', '.join(missing)}"
    files = {"template.yaml": (yaml_text, DATA)}
    for program, path in code.items():
        content = path.read_bytes()
        assert machine(content) == architecture, f"{path} is not built for {architecture}"
        files[f"functions/{program}.zip"] = (zipped(content, time), DATA)
        if program in OF_THE_DEMO.values():
            files[f"bin/{program}"] = (content, PROGRAM)
    files["bin/sandbox"] = (Path(sandbox).read_bytes(), PROGRAM)
    assert machine(files["bin/sandbox"][0]) == architecture, f"{sandbox} is not built for {architecture}"
    for name in ("rootwatch", "doctor"):
        files[name] = (PROJECT.joinpath("tests/package", name).read_bytes(), PROGRAM)
    kept = run("git", "ls-files", "README.md", "CHANGELOG.md", "LICENSE", "docs", "events", "tests/scenarios", "shared/facts/samples/records", "shared/checklist/CONTROLS.md")
    for path in kept.splitlines():
        files[path] = (PROJECT.joinpath(path).read_bytes(), DATA)
    uses = linked([*code, "sandbox"], architecture)
    packages = described(uses)
    files["sbom.cdx.json"] = (sbom(version, commit, architecture, time, uses, packages), DATA)
    files["THIRD-PARTY-LICENCES.txt"] = (licences(packages), DATA)
    files["VERSION"] = (f"version {version}\narchitecture {architecture}\ncommit {commit}\n".encode(), DATA)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, (content, _) in sorted(files.items()))
    files["SHA256SUMS"] = (sums.encode(), DATA)
    name = f"rootwatch-{version}-{architecture}"
    return name, tar(name, files, time)


def main(architecture, built, sandbox, out):
    name, packed = pack(architecture, built, sandbox)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    out.joinpath(f"{name}.tar.gz").write_bytes(packed)
    archives = sorted(out.glob("*.tar.gz"))
    out.joinpath("SHA256SUMS").write_text("".join(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in archives))
    print(f"{out / name}.tar.gz ({len(packed) / 1e6:.1f} MB)")


if __name__ == "__main__":
    main(*sys.argv[1:])

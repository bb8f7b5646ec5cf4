"""``bin-it-right dev docs-check``: follow every link of the documents and run every command block that can run."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import nullcontext

from scripts.docs_check.blocks import Service, blocks_of, missing_program, run
from scripts.docs_check.documents import ROOT, documents
from scripts.docs_check.links import Link, fault_in_repository, fault_in_web, links_of
from scripts.docs_check.service import running_service


def main(arguments: list[str] | None = None) -> int:
    """Check, say what was found, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", metavar="HOST:PORT", help="a gateway that is up, instead of starting one")
    parser.add_argument("--triton", metavar="HOST:PORT", help="its Triton's gRPC address")
    parser.add_argument("--offline", action="store_true", help="follow no link into the web")
    parsed = parser.parse_args(arguments)
    faults = [*_check_links(offline=parsed.offline)]
    known = Service(parsed.gateway, parsed.triton) if parsed.gateway and parsed.triton else None
    with nullcontext(known) if known else running_service() as service:
        faults += _check_blocks(service)
    print(
        "\n".join(["", *(f"wrong: {fault}" for fault in faults)]) if faults else "every link and every block is right"
    )
    return 1 if faults else 0


def _check_links(*, offline: bool) -> Iterator[str]:
    links = [link for document in documents() for link in links_of(document)]
    for link in links:
        if not link.is_web and (fault := fault_in_repository(link)):
            yield f"{_place(link)}: {link.target}: {fault}"
    web = {link.target: link for link in links if link.is_web}
    print(f"{len(links)} links, {len(web)} pages of the web", "(not followed)" if offline else "")
    for target, link in ({} if offline else web).items():
        try:
            if fault := fault_in_web(target):
                yield f"{_place(link)}: {target}: {fault}"
        except ConnectionError as exc:
            print(f"not reached: {target} ({exc})")


def _check_blocks(service: Service) -> Iterator[str]:
    for block in (block for document in documents() for block in blocks_of(document)):
        if block.skip or (missing := missing_program(block)):
            print(f"not run: {block.place} ({block.skip or f'{missing} is not installed'})")
            continue
        result = run(block, service)
        print(f"run: {block.place} ({block.language}): {'ok' if result.returncode == 0 else 'failed'}")
        if result.returncode != 0:
            yield f"{block.place}: status {result.returncode}\n{result.stderr[-2000:]}"


def _place(link: Link) -> str:
    return f"{link.document.relative_to(ROOT)}:{link.line}"


if __name__ == "__main__":
    sys.exit(main())

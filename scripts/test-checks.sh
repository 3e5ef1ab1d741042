#!/usr/bin/env bash
# Proves that each check refuses what it is there to refuse, on an invented project with one fault at a time.
set -euo pipefail
checks=$(cd "$(dirname "${BASH_SOURCE[0]}")/checks" && pwd)
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
failures=0

# A project without faults: two rooms, one profile, one test.
fresh_project() {
    rm -rf "${project:?}"/*
    mkdir -p "$project/Sources/Store" "$project/Sources/Catalogue" "$project/Sources/Model" "$project/Tests/StoreTests" "$project/schema/profiles"
    echo '{"id": "light-houses"}' >"$project/schema/profiles/light-houses.json"
    printf 'import Model\n\nlet query = "SELECT id FROM dataset"\n' >"$project/Sources/Store/Datasets.swift"
    printf 'internal import Store\n\n/// Reads what SELECT … FROM gives.\nstruct Catalogue {}\n' >"$project/Sources/Catalogue/Catalogue.swift"
    printf 'import Foundation\n\nstruct Dataset {}\n' >"$project/Sources/Model/Dataset.swift"
    printf 'import Testing\nimport Store\n' >"$project/Tests/StoreTests/DatasetsTests.swift"
    cat >"$project/description.json" <<JSON
{"targets": [
  {"name": "Model", "path": "Sources/Model"},
  {"name": "Store", "path": "Sources/Store", "target_dependencies": ["Model"], "product_dependencies": ["NIOCore"]},
  {"name": "Catalogue", "path": "Sources/Catalogue", "target_dependencies": ["Model", "Store"]},
  {"name": "StoreTests", "path": "Tests/StoreTests", "target_dependencies": ["Store"]}
]}
JSON
}

imports() { python3 "$checks/imports.py" "$project" "$project/description.json"; }
style() { python3 "$checks/style.py" "$project"; }

# accepts CHECK: the check has nothing to say about the project as it is.
accepts() {
    local output
    if ! output=$("$1" 2>&1); then
        echo "check $1 refuses a project without faults: $output" >&2
        failures=$((failures + 1))
    fi
}

# refuses CHECK PLACE REASON: the check fails, and says where and why.
refuses() {
    local output
    if output=$("$1" 2>&1) || ! grep -qF "$2" <<<"$output" || ! grep -qF "$3" <<<"$output"; then
        echo "check $1 does not refuse: $2: … $3 …; it says: ${output:-nothing}" >&2
        failures=$((failures + 1))
    fi
}

fresh_project; accepts imports; accepts style
fresh_project; echo 'import Catalogue' >>"$project/Sources/Store/Datasets.swift"; refuses imports Sources/Store/Datasets.swift:4 "does not declare Catalogue"
fresh_project; sed -i 's/"Model"\], "product/"Model", "Catalogue"], "product/' "$project/description.json"; refuses imports Package.swift "upward"
fresh_project; sed -i 's/"Model"\], "product/"Model", "Profiles"], "product/' "$project/description.json"
echo '@testable public import struct Profiles.Profile' >>"$project/Sources/Store/Datasets.swift"; refuses imports Sources/Store/Datasets.swift:4 "sideways"
fresh_project; echo 'import NIOCore' >>"$project/Sources/Catalogue/Catalogue.swift"; refuses imports Sources/Catalogue/Catalogue.swift:5 "does not declare NIOCore"
fresh_project; sed -i 's/"Model", "Store"\]/"Model", "Store", "Postgres"]/' "$project/description.json"
echo 'import Postgres' >>"$project/Sources/Catalogue/Catalogue.swift"; refuses imports Sources/Catalogue/Catalogue.swift:5 "may import Postgres"
fresh_project; sed -i 's/"path": "Sources\/Model"/"path": "Sources\/Model", "product_dependencies": ["NIOCore"]/' "$project/description.json"
echo 'import NIOCore' >>"$project/Sources/Model/Dataset.swift"; refuses imports Sources/Model/Dataset.swift:4 "no input or output"
fresh_project; sed -i 's/"Catalogue", "path"/"Attic", "path"/' "$project/description.json"; refuses imports Package.swift "Attic stands on no floor"
fresh_project; echo 'import Model' >>"$project/Tests/StoreTests/DatasetsTests.swift"; refuses imports Tests/StoreTests/DatasetsTests.swift:3 "does not declare Model"

fresh_project; seq -f '// line %.0f' 601 >"$project/Sources/Store/Long.swift"; refuses style Sources/Store/Long.swift:1 "more than 600"
fresh_project; seq -f '// line %.0f' 901 >"$project/Tests/StoreTests/LongTests.swift"; refuses style Tests/StoreTests/LongTests.swift:1 "more than 900"
fresh_project; mkdir "$project/Sources/Store/Utils"; refuses style Sources/Store/Utils "utils"
fresh_project; echo 'struct A {}' >"$project/Sources/Store/DatasetHelpers.swift"; refuses style Sources/Store/DatasetHelpers.swift "helpers"
fresh_project; echo 'final class PoolManager {}' >>"$project/Sources/Store/Datasets.swift"; refuses style Sources/Store/Datasets.swift:4 "manager"
for left in '// TODO later' '// FIXME' 'let x = try! f()' 'let x = y as! Z' 'fatalError("unimplemented")'; do
    fresh_project; echo "$left" >>"$project/Sources/Store/Datasets.swift"; refuses style Sources/Store/Datasets.swift:4 "does not belong in Sources"
done
fresh_project; echo 'let id = "light-houses"' >>"$project/Sources/Store/Datasets.swift"; refuses style Sources/Store/Datasets.swift:4 "profile id light-houses"
fresh_project; echo 'let path = "/v1/profiles/light-houses/1"' >>"$project/Sources/Store/Datasets.swift"; refuses style Sources/Store/Datasets.swift:4 "profile id light-houses"
fresh_project; printf 'let q = """\n    SELECT id\n    FROM dataset\n    """\n' >>"$project/Sources/Catalogue/Catalogue.swift"; refuses style Sources/Catalogue/Catalogue.swift:6 "SQL (SELECT)"
fresh_project; echo 'let q = "INSERT INTO a VALUES (1)"' >>"$project/Sources/Catalogue/Catalogue.swift"; refuses style Sources/Catalogue/Catalogue.swift:5 "SQL (INSERT INTO)"
for off in '@Test(.disabled("later")) func f() {}' 'throw XCTSkip("later")' 'withKnownIssue { f() }' '#expect(f() || true)'; do
    fresh_project; echo "$off" >>"$project/Tests/StoreTests/DatasetsTests.swift"; refuses style Tests/StoreTests/DatasetsTests.swift:3 "switched off"
done

coverage() { python3 "$checks/coverage.py" "$project/documented" "$project/seen" "$project/uncovered"; }
contract_coverage() {
    printf 'listDatasets 200\nlistDatasets 500\ngetRow 404\n' >"$project/documented"
    printf 'listDatasets 200\ngetRow 404\n' >"$project/seen"
    printf '# reasons\n* 500  nothing breaks on purpose\n' >"$project/uncovered"
}
fresh_project; contract_coverage; accepts coverage
fresh_project; contract_coverage; echo 'getRow 410' >>"$project/documented"; refuses coverage "getRow 410" "no test has seen it"
fresh_project; contract_coverage; echo 'getRow 404  never' >>"$project/uncovered"; refuses coverage "getRow 404" "take it out"
fresh_project; contract_coverage; : >"$project/seen"; refuses coverage "nothing was seen" "did not run"

failed_run() { printf '%s\n' '✔ Test a() passed' '✘ Test b() recorded an issue at B.swift:1:1: (1) == 2' '↳ why' '✔ Test c() passed' >"$project/log"; }
says_again() { ! python3 "$checks/failures.py" "$project/log"; }
fresh_project; failed_run; refuses says_again B.swift:1:1 "why"
fresh_project; echo 'Fatal error: Index out of range' >"$project/log"; refuses says_again "no test recorded an issue" "Index out of range"

[ "$failures" -eq 0 ] || { echo "$failures checks do not check" >&2; exit 1; }
echo "the checks refuse what they are there to refuse"

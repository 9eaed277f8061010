#!/usr/bin/env bash
# Asks a running Tenant Billing the questions a deploy must answer right.
#
#   scripts/smoke.sh                              the sandbox of npm start
#   scripts/smoke.sh https://billing.example.com  another one; ADMIN_API_KEY adds the operator's questions
set -euo pipefail
cd "$(dirname "$0")/.."

ready="${SANDBOX_DIR:-.sandbox}/ready.json"
base=${1:-}
admin_key=${ADMIN_API_KEY:-}
if [ -z "$base" ]; then
  if [ ! -e "$ready" ]; then
    echo "No sandbox is running here: start it with npm start, or name an address." >&2
    exit 1
  fi
  base=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1])).api' "$ready")
  admin_key=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1])).admin_key' "$ready")
fi

failures=0
# expect STATUS TYPE PATH [curl arguments …]: the answer has this status and content type.
expect() {
  local status=$1 type=$2 path=$3
  shift 3
  local answer
  answer=$(curl -sS -o /dev/null --max-time 10 -w '%{http_code} %{content_type}' "$@" "$base$path") || answer="no answer"
  case $answer in
    "$status $type"*) echo "ok    $path  $answer" ;;
    *)
      echo "FAIL  $path  expected $status $type, got $answer"
      failures=$((failures + 1))
      ;;
  esac
}

expect 200 application/json /healthz
expect 200 application/json /readyz
expect 200 application/json /_api/healthz
expect 200 application/json /v1/plans
expect 200 application/json /api/v1/plans
expect 200 text/html /pricing
expect 401 application/problem+json /v1/admin/tenants
expect 401 application/problem+json /v1/admin/tenants -H 'authorization: Bearer not-a-key'
expect 400 application/problem+json /v1/webhooks/stripe -X POST -H 'content-type: application/json' -d '{}'
if [ -n "$admin_key" ]; then
  # The key goes through a file descriptor: command lines are public on a machine.
  expect 200 application/json /v1/admin/tenants -H @<(echo "authorization: Bearer $admin_key")
fi

if [ "$failures" -gt 0 ]; then
  echo "$failures question(s) answered wrong." >&2
  exit 1
fi
echo "All questions answered right."

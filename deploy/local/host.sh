# shellcheck shell=bash
# Takes a machine (this one, or a laboratory's namespace) into service: agent key, registration, agent process.

SOT_HOST_NAME=${SOT_HOST_NAME:-$(hostname -s | tr 'A-Z_' 'a-z-' | sed 's/[^a-z0-9-]//g; s/^[^a-z]*//; s/-*$//')}
SOT_HOST_NAME=${SOT_HOST_NAME:-local}
agent_binary() { printf '%s/services/hostagent/sotalia-hostagent' "$SOT_BUILD"; }

# host_register NAME AZ RACK
host_register() {
  local name=$1 az=$2 rack=$3 dir=$SOT_VAR/hosts/$1/agent public answer
  mkdir -p "$dir"
  chmod 700 "$dir"
  [ -s "$dir/agent.key_secret" ] || "$(agent_binary)" --keygen="$dir/agent.key" >"$dir/agent.pub" || die "the agent key of $name could not be made"
  [ ! -s "$dir/host.id" ] || [ ! -s "$dir/fetch.token" ] || return 0
  public=$(cat "$dir/agent.pub")
  answer=$("$SOT_BUILD/cli/sotalia" host register "$name" --az="$az" --rack="$rack" --key="$public" -o json) ||
    die "host $name could not be registered" "see the line above"
  (umask 077 && printf '%s' "$answer" | jq -re .fetchToken >"$dir/fetch.token") || die "the answer to the registration of $name has no fetch token"
  printf '%s' "$answer" | jq -re .hostId >"$dir/host.id"
}

# agent_start NAME NETNS BRIDGE_ADDRESS UPLINK MANAGEMENT_ADDRESS [VLAN_UPLINK]
agent_start() {
  local name=$1 netns=$2 address=$3 uplink=$4 management=$5 trunk=${6:-} dir=$SOT_VAR/hosts/$1
  mkdir -p "$SOT_RUN/control-$name"
  cat >"$dir/hostagent.conf" <<EOF
state_dir = $dir/agent
host_name = $name
management_address = $management
scheduler_endpoints = tcp://$SOT_LISTEN:7202
scheduler_reports_endpoints = tcp://$SOT_LISTEN:7203
bridge_reports_endpoints = tcp://$SOT_LISTEN:7231
cat_servers = ${SOT_CAT_CLIENTS:-}
ipam_endpoints = tcp://$SOT_LISTEN:7213
gateway_endpoints = tcp://$SOT_LISTEN:7222
keys_dir = $SOT_VAR/keys
gateway_url = $SOT_URL
gateway_ca = $SOT_VAR/tls/ca.crt
docker_socket = $(engine_socket "$name")
lxcfs_dir = $(lxcfs_dir "$name")
bridge_name = sotbr0
bridge_address = $address
bridge_uplink = $uplink
vlan_uplink = $trunk
control_socket = $SOT_RUN/control-$name/socket
EOF
  proc_pid "hostagent-$name" >/dev/null && return 0
  proc_start "hostagent-$name" bash -c "$(declare -f in_netns); in_netns '$netns' '$(agent_binary)' --config='$dir/hostagent.conf'"
}
agent_online() { [ "$("$SOT_BUILD/cli/sotalia" host show "$1" -o json | jq -r .state)" = online ]; }

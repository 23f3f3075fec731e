# shellcheck shell=bash
# Keys, certificates, configuration files and processes of the control plane (everything but hosts).

SOT_UID_scheduler=64201
SOT_UID_ipam=64202
SOT_UID_api_gateway=64203
SOT_UID_monitor_bridge=64204
SOT_SERVICES=${SOT_SERVICES:-"ipam scheduler api-gateway monitor-bridge"}
SOT_LISTEN=${SOT_LISTEN:-127.0.0.1}
SOT_URL=https://$SOT_LISTEN:7443

service_uid() {
  local v=SOT_UID_${1//-/_}
  printf '%s' "${!v}"
}

# One CURVE key pair per service: the secret half belongs to the service's own user alone.
keys_make() {
  local s dir=$SOT_VAR/keys
  mkdir -p "$dir"
  chmod 755 "$dir"
  for s in $SOT_SERVICES; do
    [ -s "$dir/$s.pub" ] && [ -s "$dir/$s.key_secret" ] && continue
    "$SOT_BUILD/tools/keygen/sotalia-keygen" "$dir/$s.key" >"$dir/$s.pub.new" || die "the key of $s could not be made" "read the line above"
    mv "$dir/$s.pub.new" "$dir/$s.pub"
    chown "$(service_uid "$s")" "$dir/$s.key" "$dir/$s.key_secret"
    chmod 400 "$dir/$s.key_secret"
    chmod 444 "$dir/$s.pub"
  done
}

# A certificate authority of this installation and the gateway's certificate.
tls_make() {
  local dir=$SOT_VAR/tls
  [ -s "$dir/gateway.crt" ] && openssl x509 -checkend 604800 -noout -in "$dir/gateway.crt" >/dev/null 2>&1 && return 0
  mkdir -p "$dir"
  chmod 755 "$dir"
  if [ ! -s "$dir/ca.crt" ]; then
    (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$dir/ca.key")
    logged "$SOT_LOG/tls.log" openssl req -x509 -new -key "$dir/ca.key" -days 3650 -subj "/CN=Sotalia local CA" -out "$dir/ca.crt" \
      -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
  fi
  (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$dir/gateway.key")
  openssl req -new -key "$dir/gateway.key" -subj "/CN=sotalia" -out "$dir/gateway.csr"
  logged "$SOT_LOG/tls.log" openssl x509 -req -in "$dir/gateway.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 825 -out "$dir/gateway.crt" \
    -extfile <(printf 'subjectAltName=DNS:localhost,DNS:%s,IP:127.0.0.1,IP:%s\nextendedKeyUsage=serverAuth\n' "$(hostname)" "$SOT_LISTEN")
  chown $SOT_UID_api_gateway "$dir/gateway.key"
  chmod 400 "$dir/gateway.key"
  chmod 444 "$dir/ca.crt" "$dir/gateway.crt"
}

# Configuration holds passwords: 0400, the service's own. Paths are as the confined service sees them.
config_write() { # config_write SERVICE <<EOF
  local f=$SOT_VAR/conf/$1.conf
  mkdir -p "$SOT_VAR/conf" "$SOT_RUN/control-$1"
  chmod 755 "$SOT_VAR/conf"
  chown "$(service_uid "$1")" "$SOT_RUN/control-$1"
  rm -f "$f"
  (umask 077 && cat >"$f")
  chown "$(service_uid "$1")" "$f"
}
configs_write() {
  local keys=$SOT_RUN/var/keys l=$SOT_LISTEN
  config_write ipam <<EOF
requests_endpoint = tcp://$l:7211
hints_endpoint = tcp://$l:7212
agents_endpoint = tcp://$l:7213
keys_dir = $keys
database = $(conninfo ipam)
control_socket = $SOT_RUN/control-ipam/socket
state_dir = $SOT_RUN/var/ipam
EOF
  config_write scheduler <<EOF
requests_endpoint = tcp://$l:7201
agents_endpoint = tcp://$l:7202
reports_endpoint = tcp://$l:7203
hints_endpoint = tcp://$l:7204
ipam_endpoint = tcp://$l:7211
keys_dir = $keys
database = $(conninfo scheduler)
control_socket = $SOT_RUN/control-scheduler/socket
EOF
  config_write api-gateway <<EOF
listen = $l:7443
events_endpoint = tcp://$l:7221
agents_endpoint = tcp://$l:7222
replay_endpoint = tcp://$l:7223
scheduler_requests = tcp://$l:7201
scheduler_hints = tcp://$l:7204
ipam_requests = tcp://$l:7211
ipam_hints = tcp://$l:7212
keys_dir = $keys
tls_cert = $SOT_RUN/var/tls/gateway.crt
tls_key = $SOT_RUN/var/tls/gateway.key
blobs_dir = $SOT_RUN/var/blobs
ui_dir = $SOT_RUN/src/web/dist
openapi_file = $SOT_RUN/src/services/api-gateway/openapi.json
ssh_dir = $SOT_RUN/var/ssh
database = $(conninfo gateway)
control_socket = $SOT_RUN/control-api-gateway/socket
drain_notice_ms = 0
EOF
  config_write monitor-bridge <<EOF
reports_endpoint = tcp://$l:7231
keys_dir = $keys
database = $(conninfo bridge)
state_dir = $SOT_RUN/var/bridge
cat_servers = ${SOT_CAT_SERVERS:-}
cat_router = ${SOT_CAT_ROUTER:-}
control_socket = $SOT_RUN/control-monitor-bridge/socket
EOF
  mkdir -p "$SOT_VAR/blobs" "$SOT_VAR/bridge" "$SOT_VAR/ipam" "$SOT_VAR/ssh"
  chmod 700 "$SOT_VAR/ssh"
  chown $SOT_UID_api_gateway "$SOT_VAR/blobs" "$SOT_VAR/ssh"
  chown $SOT_UID_monitor_bridge "$SOT_VAR/bridge"
  chown $SOT_UID_ipam "$SOT_VAR/ipam"
}

service_health() { # asks the control socket
  printf 'health\n' | timeout 3 nc -N -U "$SOT_RUN/control-$1/socket" 2>/dev/null | grep -q '^ok'
}
service_start() { # service_start NAME [EXTRA ARGS...]
  local s=$1
  shift
  proc_pid "$s" >/dev/null && return 0
  proc_start "$s" bash -c "$(declare -f confined); SOT_VAR='$SOT_VAR' SOT_SRC='$SOT_SRC' SOT_RUN='$SOT_RUN'
    confined $(service_uid "$s") '$SOT_RUN/src${SOT_BUILD#"$SOT_SRC"}/services/$s/sotalia-$s' --config='$SOT_RUN/var/conf/$s.conf' ${*@Q}"
}
service_wait() {
  wait_until 30 "$1 to be healthy" service_health "$1" || {
    log_tail "$1"
    die "$1 did not become healthy" "read $SOT_LOG/$1.log"
  }
}
services_start() {
  local s
  for s in $SOT_SERVICES; do service_start "$s"; done
  for s in $SOT_SERVICES; do service_wait "$s"; done
}
services_stop() {
  local s
  for s in api-gateway monitor-bridge scheduler ipam; do proc_stop "$s"; done
}

gateway_admin() { # sub-commands of the gateway that write accounts and tokens
  (confined $SOT_UID_api_gateway "$SOT_RUN/src${SOT_BUILD#"$SOT_SRC"}/services/api-gateway/sotalia-api-gateway" --config="$SOT_RUN/var/conf/api-gateway.conf" "$@")
}
# The certificate authorities of ssh, the first administrator, a token for the command line, and var/env.
access_make() {
  gateway_admin --make-ssh-ca >>"$SOT_LOG/access.log" 2>&1 || { log_tail access; die "the ssh certificate authority could not be made" "read $SOT_LOG/access.log"; }
  if [ ! -s "$SOT_VAR/secrets/token" ]; then
    secret admin-password | gateway_admin --add-account admin admin >>"$SOT_LOG/access.log" 2>&1 ||
      { log_tail access; die "the account 'admin' could not be made" "read $SOT_LOG/access.log"; }
    (umask 077 && gateway_admin --add-token admin >"$SOT_VAR/secrets/token.new" 2>>"$SOT_LOG/access.log") ||
      { log_tail access; die "the token of 'admin' could not be made" "read $SOT_LOG/access.log"; }
    mv "$SOT_VAR/secrets/token.new" "$SOT_VAR/secrets/token"
  fi
  (umask 077 && cat >"$SOT_VAR/env" <<EOF
# For a shell: . var/env
export SOTALIA_URL='$SOT_URL'
export SOTALIA_TOKEN='$(cat "$SOT_VAR/secrets/token")'
export SOTALIA_CA='$SOT_VAR/tls/ca.crt'
export DOCKER_HOST='unix://$(engine_socket "$SOT_HOST_NAME")'
export PATH='$SOT_BUILD/cli':"\$PATH"
EOF
  )
}

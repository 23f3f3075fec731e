# shellcheck shell=bash
# A private PostgreSQL 15: data in $SOT_VAR/postgres, socket in $SOT_RUN/pg, no TCP, as user postgres.

PG_BIN=/usr/lib/postgresql/15/bin
SOT_PG_PORT=${SOT_PG_PORT:-7432}
SOT_DB_ROLES="migrator scheduler ipam gateway bridge"

pg_as() { # pg_as COMMAND...: as user postgres, with the data folder at $SOT_RUN/var/postgres
  (confined postgres "$@")
}
pg_admin() { # SQL on standard input, as superuser
  pg_as psql -h "$SOT_RUN/pg" -p "$SOT_PG_PORT" -U postgres -X -q -v ON_ERROR_STOP=1 "$@"
}
pg_ready() { "$PG_BIN/pg_isready" -q -h "$SOT_RUN/pg" -p "$SOT_PG_PORT"; }

secret() { # secret NAME: made once, kept in var/secrets
  mkdir -p "$SOT_VAR/secrets"
  chmod 700 "$SOT_VAR/secrets"
  [ -s "$SOT_VAR/secrets/$1" ] || (umask 077 && openssl rand -hex 24 >"$SOT_VAR/secrets/$1")
  cat "$SOT_VAR/secrets/$1"
}

# A killed one stays in the process table until its parent has waited for it, which may be never, and the next one takes it for alive.
# Its number gives way to one that no process has; that its own processes have gone, too, the next one still sees by their shared memory.
postgres_bury() {
  local lock pid
  for lock in "$SOT_VAR/postgres/postmaster.pid" "$SOT_RUN/pg/.s.PGSQL.$SOT_PG_PORT.lock"; do
    read -r pid 2>/dev/null <"$lock" || continue
    grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null || continue
    sed -i "1s/.*/$(cat /proc/sys/kernel/pid_max)/" "$lock"
  done
}
postgres_comes() {
  pg_ready && return 0
  if ! proc_pid postgres >/dev/null; then
    postgres_bury
    proc_start postgres bash -c "$(declare -f confined); SOT_VAR='$SOT_VAR' SOT_SRC='$SOT_SRC' SOT_RUN='$SOT_RUN'; confined postgres $PG_BIN/postgres -D '$SOT_RUN/var/postgres'"
  fi
  return 1
}
postgres_start() {
  proc_pid postgres >/dev/null && pg_ready && return 0
  mkdir -p "$SOT_VAR/postgres" "$SOT_RUN/pg"
  chown postgres: "$SOT_VAR/postgres" "$SOT_RUN/pg"
  chmod 700 "$SOT_VAR/postgres"
  chmod 755 "$SOT_RUN/pg"
  if [ ! -f "$SOT_VAR/postgres/PG_VERSION" ]; then
    logged "$SOT_LOG/initdb.log" pg_as "$PG_BIN/initdb" -D "$SOT_RUN/var/postgres" -E UTF8 --locale=C.UTF-8 --data-checksums \
      --auth-local=peer --auth-host=scram-sha-256 -U postgres
    # The superuser comes in by operating system user; everybody else by password.
    printf 'local all postgres peer\nlocal all all scram-sha-256\n' >"$SOT_VAR/postgres/pg_hba.conf"
    cat >>"$SOT_VAR/postgres/postgresql.conf" <<EOF
listen_addresses = ''
port = $SOT_PG_PORT
unix_socket_directories = '$SOT_RUN/pg'
max_connections = 100
shared_buffers = 64MB
EOF
  fi
  sed -i "s|^unix_socket_directories.*|unix_socket_directories = '$SOT_RUN/pg'|" "$SOT_VAR/postgres/postgresql.conf"
  wait_until 30 "PostgreSQL to answer" postgres_comes || { log_tail postgres; die "PostgreSQL did not start" "read $SOT_LOG/postgres.log"; }
}

postgres_schema() {
  local r args=()
  for r in $SOT_DB_ROLES; do args+=(-v "${r}_password=$(secret "db-$r")"); done
  pg_admin "${args[@]}" -f - <"$SOT_SRC/deploy/roles.sql" >>"$SOT_LOG/schema.log" 2>&1 ||
    { tail -n 5 "$SOT_LOG/schema.log" >&2; die "the database roles could not be made" "read $SOT_LOG/schema.log"; }
  logged "$SOT_LOG/migrate.log" "$SOT_BUILD/tools/migrate/sotalia-migrate" --dir="$SOT_SRC/deploy/migrations" --database="$(conninfo migrator)"
}

conninfo() { # conninfo ROLE
  printf "host=%s port=%s dbname=sotalia user=sot_%s password=%s" "$SOT_RUN/pg" "$SOT_PG_PORT" "$1" "$(secret "db-$1")"
}
# INT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing waits for clients.
postgres_stop() {
  local pid
  pid=$(proc_pid postgres) || { rm -f "$SOT_PID/postgres"; return 0; }
  kill -INT "$pid" 2>/dev/null
  wait_until 20 "PostgreSQL to end" eval '! proc_pid postgres' || proc_stop postgres 1
  rm -f "$SOT_PID/postgres"
}

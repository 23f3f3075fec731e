# shellcheck shell=bash
# Builds base, tomcat, nodejs and redis, pushes them to the registry; each tag is a digest of what it is made of.

SOT_EXTRA_IMAGES=${SOT_EXTRA_IMAGES:-} # of tests/e2e/extra, on top of base
image_folder() { [ -d "$SOT_SRC/deploy/images/$1" ] && printf %s "$SOT_SRC/deploy/images/$1" || printf %s "$SOT_SRC/tests/e2e/extra/$1"; }
image_folder_digest() { # image_folder_digest NAME [more files...]: without what is about the image and not in it
  local name=$1
  shift
  { find "$(image_folder "$name")" -type f ! -name smoke ! -name image.json ! -name CHANGELOG.md ! -name .dockerignore -print0 | sort -z | xargs -0 sha256sum | sed "s|$SOT_SRC||"; cat "$@" </dev/null; } | sha256sum | cut -c1-12
}
image_tag() { cat "$SOT_VAR/images/$1" 2>/dev/null; }
image_reference() { printf '%s/sotalia/%s:%s' "$SOT_REGISTRY" "$1" "$(image_tag "$1")"; }
image_in_registry() { # image_in_registry NAME TAG
  curl -sf -m 5 -o /dev/null -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$SOT_REGISTRY/v2/sotalia/$1/manifests/$2"
}
debian_mirror() {
  { sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null || true; sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list 2>/dev/null || true; } |
    grep -E '/debian/?$' | head -n 1 || true
}
apt_proxy() { apt-config shell P Acquire::http::Proxy 2>/dev/null | sed -n "s/^P='\(.*\)'$/\1/p"; }

image_bootstrap() { # the root file system that base builds on
  local mirror proxy
  mkdir -p "$SOT_VAR/images"
  mirror=$(debian_mirror)
  mirror=${mirror:-http://deb.debian.org/debian}
  proxy=$(apt_proxy)
  logged "$SOT_LOG/mmdebstrap.log" mmdebstrap --mode=root --variant=minbase ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
    --include=ca-certificates,iproute2,iputils-ping,procps,less,vim-tiny,netcat-openbsd \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    bookworm "$SOT_VAR/images/bootstrap.tar" "deb $mirror bookworm main" "deb $mirror bookworm-updates main" \
    "deb ${mirror%/debian}/debian-security bookworm-security main"
  logged "$SOT_LOG/import.log" engine_docker "$1" import "$SOT_VAR/images/bootstrap.tar" sotalia/bootstrap
  rm -f "$SOT_VAR/images/bootstrap.tar"
}

# image_build ENGINE NAME TAG PARENT
image_build() {
  local engine=$1 name=$2 tag=$3 parent=$4 reference=$SOT_REGISTRY/sotalia/$2:$3 context=$SOT_VAR/images/context-$2
  rm -rf "$context"
  cp -r "$(image_folder "$name")" "$context"
  [ "$name" != base ] || cp "$SOT_BUILD/services/hostagent"/sotalia-{init,readonly} "$context"
  logged "$SOT_LOG/image-$name.log" engine_docker "$engine" build --network host --build-arg "PARENT=$parent" \
    --build-arg "HTTP_PROXY_URL=$(apt_proxy)" -t "$reference" "$context"
  rm -rf "$context"
  logged "$SOT_LOG/push-$name.log" engine_docker "$engine" push "$reference"
  # Hosts get it from the registry, as every host would: what was built locally is forgotten and pulled again.
  engine_docker "$engine" image rm "$reference" >/dev/null 2>&1 || true
  printf '%s\n' "$tag" >"$SOT_VAR/images/$name"
}

# image_smoke ENGINE NAME: its smoke test, once for each image and script; what came of it is in $SOT_VAR/images/NAME.smoke
image_smoke() {
  local engine=$1 name=$2 script outcome=passed file=$SOT_VAR/images/$2.smoke mark
  script=$(image_folder "$name")/smoke
  [ -r "$script" ] || return 0
  mark="$(image_tag "$name") $(sha256sum <"$script" | cut -c1-12)"
  [ "$(head -n 1 "$file" 2>/dev/null)" != "$mark passed" ] || return 0
  engine_docker "$engine" image inspect "$(image_reference "$name")" >/dev/null 2>&1 || logged "$SOT_LOG/pull-$name.log" engine_docker "$engine" pull "$(image_reference "$name")"
  engine_docker "$engine" run --rm -i --network none --entrypoint /bin/sh "$(image_reference "$name")" -s <"$script" >"$file.report" 2>&1 || outcome=failed
  { printf '%s %s\n' "$mark" "$outcome"; tail -c 3000 "$file.report"; } >"$file"
  rm -f "$file.report"
  [ "$outcome" = passed ] || die "the smoke test of image $name failed" "read $file; the test is $script"
}

images_make() { # images_make ENGINE
  local engine=$1 base_tag tag name parent
  mkdir -p "$SOT_VAR/images"
  base_tag=$(image_folder_digest base "$SOT_BUILD/services/hostagent"/sotalia-{init,readonly} "$SOT_SRC/deploy/local/images.sh")
  parent=$SOT_REGISTRY/sotalia/base:$base_tag
  if [ "$(image_tag base)" != "$base_tag" ] || ! image_in_registry base "$base_tag"; then
    engine_docker "$engine" image inspect sotalia/bootstrap >/dev/null 2>&1 || image_bootstrap "$engine"
    image_build "$engine" base "$base_tag" ""
  fi
  for name in tomcat nodejs redis $SOT_EXTRA_IMAGES; do
    tag=$(image_folder_digest "$name" <(printf %s "$base_tag"))
    [ "$(image_tag "$name")" = "$tag" ] && image_in_registry "$name" "$tag" && continue
    engine_docker "$engine" image inspect "$parent" >/dev/null 2>&1 || logged "$SOT_LOG/pull-base.log" engine_docker "$engine" pull "$parent"
    image_build "$engine" "$name" "$tag" "$parent"
  done
  for name in base tomcat nodejs redis $SOT_EXTRA_IMAGES; do image_smoke "$engine" "$name"; done
}

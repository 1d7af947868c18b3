#!/usr/bin/env bash
# make_rootfs.sh FOLDER arm64|amd64: the root file system of a test board, from Debian packages alone.
#
# --variant=extract runs no maintainer script, so nothing is emulated while it is built (16 s instead of 6 minutes); what the
# scripts would have done for sshd and Python is done below. The TFLite runtimes are unpacked from their wheels.
set -euo pipefail
folder=$1
architecture=$2
suite=bookworm # the last Debian whose Python (3.11) tflite-runtime has a wheel for
packages=base-files,base-passwd,bash,dash,coreutils,libc-bin,procps,sed,grep,findutils,mawk,openssh-server
packages+=,openssh-sftp-server,libfaketime,python3,libstdc++6,libgomp1,util-linux,login,passwd,hostname,mount

work=$folder.work.$$
trap 'rm -rf "$work"' EXIT
sources=()
for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  if [[ -s $list ]] && grep -q debian "$list"; then sources=("$list"); break; fi
done
mmdebstrap --quiet --architectures="$architecture" --variant=extract --mode=root --include="$packages" \
  --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' "$suite" "$work" "${sources[@]}" >&2

cp -n "$work/usr/share/base-passwd/passwd.master" "$work/etc/passwd"
cp -n "$work/usr/share/base-passwd/group.master" "$work/etc/group"
echo 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >>"$work/etc/passwd"
echo 'board:x:1000:1000::/home/board:/bin/bash' >>"$work/etc/passwd"
echo 'board:x:1000:' >>"$work/etc/group"
printf 'root:*:19000:0:99999:7:::\nboard:*:19000:0:99999:7:::\n' >"$work/etc/shadow"
ln -sf dash "$work/bin/sh"
ln -sf mawk "$work/usr/bin/awk"
install -d -m 700 -o 1000 -g 1000 "$work/home/board" "$work/home/board/.ssh"
install -d -m 755 "$work/run/sshd" "$work/opt/python"

# The board's TFLite runtimes, each with its NumPy: wheels of the board's architecture, unpacked by this machine's pip.
machine=$([[ $architecture == arm64 ]] && echo aarch64 || echo x86_64)
runtime() {
  local platforms=()
  for abi in 2014 _2_17 _2_27 _2_28 _2_34; do platforms+=(--platform "manylinux${abi}_$machine"); done
  "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-compile "${platforms[@]}" --python-version 3.11 \
    --implementation cp --only-binary=:all: --no-deps --target "$work/opt/$1" numpy==1.26.4 "$2" >&2
}
runtime tflite_runtime tflite-runtime==2.14.0
# Emulated it takes many seconds to import, so that it is tested on the native board only.
[[ $architecture == arm64 ]] || runtime ai_edge_litert ai-edge-litert==2.3.0
# As on a board whose packages were installed, modules are compiled (emulated, importing NumPy takes ten times as long without).
for python in python3.11 /usr/bin/python3 "${PYTHON:-python3}"; do
  if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    "$python" -m compileall -q -x '/(tests?|lib2to3|idlelib|f2py)/' -s "$work" -p / --invalidation-mode unchecked-hash \
      "$work/usr/lib/python3.11" "$work/usr/lib/python3" "$work/opt" >&2 || true
    break
  fi
done
rm -rf "$folder"
mv "$work" "$folder"

#!/usr/bin/env bash
# Provides CPython 3.14 and 3.15 where the machine has none: a Debian testing (forky) tree, made once by
# debootstrap outside the checkout and used by every checkout, and one wrapper per interpreter in
# target/pythons, which the tests take for an ordinary interpreter.
#
# A wrapper enters a mount namespace of its own, binds /proc, /dev, /tmp and the checkout into the
# tree there, and becomes the interpreter: same PID, other root. So nothing stays mounted, and
# deleting the tree cannot reach into the checkout. Costs about 90 s and 350 MB once; needs root.
# Where it cannot be had, says so with the number of Pythons that are left out, and succeeds.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
releases='3.14 3.15'
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pyrometer
tree=$cache/debian-testing
# What is in the tree; another list makes another tree.
stamp='debian forky, 2: python3.14 python3.15 python3-pytest'

leave_out() { # leave_out REASON: none of the releases can be had
    set -- "$1" $releases
    rm -f "$root"/target/pythons/python3.1[45]
    echo "SKIPPED $(($# - 1)) Pythons ($releases): $1" >&2
    exit 0
}

make_tree() {
    [ "$(id -u)" -eq 0 ] || leave_out 'making a Debian testing tree needs root'
    unshare --mount true 2>/dev/null || leave_out 'this machine grants no mount namespaces (unshare --mount)'
    if ! command -v debootstrap >/dev/null; then
        command -v apt-get >/dev/null || leave_out 'debootstrap is not installed'
        apt-get -q update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get -q install -y debootstrap >/dev/null ||
            leave_out 'apt-get could not install debootstrap'
    fi
    rm -rf --one-file-system "$tree" "$tree.new"
    mkdir -p "$cache"
    # The mirror that this machine's own packages come from; without one, debootstrap's usual.
    mirror=${PYROMETER_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
        'Label: Debian' 2>/dev/null | head -n 1)}
    # `sid` is the recipe that every later suite uses too; an older debootstrap does not know their names.
    debootstrap --variant=minbase --include="$(echo "$stamp" | sed 's/.*: //; s/ /,/g')" \
        forky "$tree.new" "$mirror" sid >"$tree.log" 2>&1 || leave_out "debootstrap failed: see $tree.log"
    rm -rf --one-file-system "$tree.new"/var/cache/apt/archives/*.deb
    echo "$stamp" >"$tree.new/.pyrometer"
    mv "$tree.new" "$tree"
}

wrap() { # wrap RELEASE
    mkdir -p "$root/target/pythons"
    cat >"$root/target/pythons/python$1.new" <<END
#!/bin/sh
# Made by tools/debian_testing.sh: CPython $1 of the Debian testing tree, on this checkout.
exec unshare --mount sh -c '
    tree=\$1 checkout=\$2 here=\$PWD
    shift 2
    for folder in /proc /dev /tmp "\$checkout"; do
        mkdir -p "\$tree\$folder" && mount --rbind "\$folder" "\$tree\$folder" || exit 125
    done
    exec chroot "\$tree" sh -c "cd \"\\\$1\" 2>/dev/null || cd /; shift; exec \"\\\$@\"" sh "\$here" "\$@"
' sh '$tree' '$root' /usr/bin/python$1 "\$@"
END
    chmod 755 "$root/target/pythons/python$1.new"
    mv "$root/target/pythons/python$1.new" "$root/target/pythons/python$1"
}

mkdir -p "$cache" 2>/dev/null || leave_out "$cache cannot be made"
# One maker at a time: checkouts share the tree.
exec 9>"$tree.lock"
flock 9
if [ "$(cat "$tree/.pyrometer" 2>/dev/null)" != "$stamp" ]; then
    make_tree 9>&-
fi
for release in $releases; do
    if chroot "$tree" "/usr/bin/python$release" -c '' 2>/dev/null; then
        wrap "$release"
    else
        rm -f "$root/target/pythons/python$release"
        echo "SKIPPED 1 Python ($release): not in the Debian testing tree" >&2
    fi
done

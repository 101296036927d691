"""A whole machine of another architecture, in qemu's emulation: Debian's kernel and a Debian in memory, so that what qemu-user can't run (filters of
system calls, Landlock) is run by a kernel of that architecture.

    results = arm64_machine.run(chroot, kernel, "cp /etc/debian_version /root/out/", folder)      # {"debian_version": b"12.11\\n", …}

Without a network. Its first process mounts what a Debian has mounted, runs the script, and sends what that leaves in /root/out over the console.
"""
import base64
import re
import shutil
import subprocess

from scripts import debian_chroot

PROGRAM = "qemu-system-aarch64"
FIRST_PROCESS = r"""#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /root/out
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
ip link set lo up
bash -e /root/script > /root/out/log 2>&1
echo $? > /root/out/exit-code
uname -srm > /root/out/kernel
for file in /root/out/*; do
    echo "=== ${file##*/}"
    base64 "$file"
done > /dev/console
echo "=== the end" > /dev/console
sync
echo o > /proc/sysrq-trigger
sleep 60
"""
KERNEL = r"""
cd /root
apt-get -q update
apt-get -q download "$(apt-cache depends linux-image-arm64:arm64 | sed -n 's/^ *Depends: //p' | head -n 1)"
dpkg-deb --fsys-tarfile linux-image-*.deb | tar --extract --wildcards --to-stdout './boot/vmlinuz-*' > kernel
"""
# Not needed there, and memory is what the system lies in.
LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", "usr/share/locale", "usr/share/man", "usr/share/i18n", "usr/lib/*/perl", "boot")


def missing():
    """Why there is no such machine here; empty if there is."""
    absent = [name for name in (PROGRAM, "bsdtar") if not shutil.which(name)]
    return f"not installed: {', '.join(absent)} (scripts/install-dependencies drills)" if absent else ""


def get_kernel(chroot):
    """Debian's, unpacked in a chroot whose apt knows packages of arm64; its path in there."""
    chroot.run(KERNEL)
    return "/root/kernel"


def run(chroot, kernel, script, folder, seconds=3600, memory=4096):
    """Starts a machine from the Debian of `chroot` (debian_chroot.Chroot) with the kernel of that file; {name: bytes} of /root/out."""
    for path, text in (("/init", FIRST_PROCESS), ("/root/script", script)):
        chroot.path(path).parent.mkdir(parents=True, exist_ok=True)
        chroot.path(path).write_text(text)
        chroot.path(path).chmod(0o755)
    archive = folder / "root.cpio"
    chroot.archive(archive, LEFT_OUT)
    said = boot(kernel, archive, folder, seconds, memory)
    parts = re.split(r"^=== (.*)\n", said, flags=re.M)[1:]
    return {name: base64.b64decode(re.sub(r"[^A-Za-z0-9+/=]", "", body)) for name, body in zip(parts[::2], parts[1::2], strict=True) if name != "the end"}


def boot(kernel, archive, folder, seconds, memory):
    """What a machine with this kernel and first file system says on its console. Its /init ends with the line `=== the end`, and turns it off."""
    console = folder / "console"
    # A core without what is expensive to emulate (signed pointers).
    command = [PROGRAM, "-machine", "virt", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi", "-smp", "2", "-m", str(memory), "-nodefaults", "-no-reboot",
               "-display", "none", "-serial", f"file:{console}", "-kernel", kernel, "-initrd", archive,
               "-append", "console=ttyAMA0 quiet panic=-1 rdinit=/init"]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise debian_chroot.ChrootError(f"the machine has not ended after {seconds} s:\n{console.read_text(errors='replace')[-4000:]}") from None
    finally:
        archive.unlink(missing_ok=True)
    said = console.read_text(errors="replace").replace("\r", "")
    if "=== the end" not in said:
        raise debian_chroot.ChrootError(f"the machine ended before its script:\n{said[-4000:]}")
    return said

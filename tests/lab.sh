# lab.sh -- copy stage N into lab/, for the reader's own changes.
#
#     sh tests/lab.sh 5

n=$1
if [ -e lab ]; then
    echo "lab/ exists already, with your work in it." \
         "Move it away first (mv lab lab.old), then try again."
    exit 1
fi

mkdir lab && cp "${BUILD:-build}/step-$n"/*.[ch] lab/ || exit 1
cat > lab/Makefile << 'END'
# Your own server. From the folder above: make -C lab, make check-lab EX=...
CFLAGS = -O1 -g -Wall -Wextra

# Chapter 37: make TLS=yes -C lab.
ifeq ($(TLS),yes)
override CFLAGS += -DTLS
LIBS = -lssl -lcrypto
endif

server: $(wildcard *.c *.h)
	$(CC) -std=c11 -D_GNU_SOURCE -pthread $(CFLAGS) *.c $(LDFLAGS) $(LIBS) -o $@
END
echo "lab/ is step $n, and yours. Build it with \`make -C lab\`, run lab/server."

/* replay.c -- gives files to a harness: `replay-head FILE...`, for the corpus
 * and for what `make fuzz` has found. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { MAX_SIZE = 1 << 20 };

int
main(int argc, char **argv)
{
    static char data[MAX_SIZE];

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        size_t size;
        char *copy;

        /* The last one that is printed is the one that fails. */
        printf("%s\n", argv[i]);
        fflush(stdout);
        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        size = fread(data, 1, sizeof data, file);
        fclose(file);
        copy = exact_copy(data, size);
        LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
        free(copy);
    }
    return 0;
}

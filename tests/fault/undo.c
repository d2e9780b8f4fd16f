#undef _FILE_OFFSET_BITS /* raw.h and the 64-bit numbers are ours to choose */
#include "undo.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#define SECTOR 512
#define HIGH_FD 400          /* descriptors of ours stay out of the way of the program's */
#define MANY_DIRECTORIES 200 /* from here on those without pending changes are let go */

struct saved {
    off_t offset;
    size_t len;
    char *bytes; /* as they were before */
};

/* A file with changes that are not durable. */
struct file {
    dev_t device;
    ino_t inode;
    off_t size; /* when it was durable */
    struct saved *saved;
    size_t n_saved, capacity;
};

/* A directory, reachable whatever it is called by now. */
struct directory {
    dev_t device;
    ino_t inode;
    int fd; /* O_PATH */
};

enum change_kind { CHANGE_CREATE, CHANGE_MKDIR, CHANGE_UNLINK, CHANGE_RMDIR, CHANGE_RENAME };

struct change {
    enum change_kind kind;
    size_t directory; /* of the name; for renames: of the old name */
    char name[256];
    size_t to_directory; /* renames: where it went */
    char to_name[256];
    dev_t device;
    ino_t inode; /* of what was created, removed or moved */
    mode_t mode;
    unsigned kept; /* link to what was removed or overwritten, 0 = none */
};

static struct {
    char root[4096];
    char keep[4200]; /* the directory of kept links */
    int keep_fd;
    unsigned last_kept;
    struct file *files;
    size_t n_files, files_capacity;
    struct directory *directories;
    size_t n_directories, directories_capacity;
    struct change *changes;
    size_t n_changes, changes_capacity;
} undo = {.keep_fd = -1};

/* The model cannot go on: a wrong model would make tests pass that should not. */
static void broken(const char *what)
{
    char line[256];
    int n = snprintf(line, sizeof line, "corrie-fault: cannot keep undo information: %s: %s\n",
                     what, strerror(errno));

    syscall(SYS_write, 2, line, (size_t)n);
    syscall(SYS_exit_group, 125);
}

static void *grown(void *items, size_t *capacity, size_t need, size_t size)
{
    if (need > *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 64;

        items = realloc(items, wanted * size);
        if (!items) {
            broken("memory");
        }
        *capacity = wanted;
    }
    return items;
}

/* ---- files ------------------------------------------------------------------------------------------ */

static void file_clear(struct file *file)
{
    for (size_t i = 0; i < file->n_saved; i++) {
        free(file->saved[i].bytes);
    }
    free(file->saved);
    file->saved = NULL;
    file->n_saved = file->capacity = 0;
}

static struct file *file_find(dev_t device, ino_t inode)
{
    for (size_t i = 0; i < undo.n_files; i++) {
        if (undo.files[i].inode == inode && undo.files[i].device == device) {
            return &undo.files[i];
        }
    }
    return NULL;
}

static void file_drop(dev_t device, ino_t inode)
{
    struct file *file = file_find(device, inode);

    if (file) {
        file_clear(file);
        *file = undo.files[--undo.n_files];
    }
}

/* The record of the regular file open at `fd`; NULL if it is none. */
static struct file *file_of(int fd, struct stat *info)
{
    struct file *file;

    if (fstat(fd, info) < 0 || !S_ISREG(info->st_mode)) {
        return NULL;
    }
    file = file_find(info->st_dev, info->st_ino);
    if (!file) {
        undo.files = grown(undo.files, &undo.files_capacity, undo.n_files + 1, sizeof *undo.files);
        file = &undo.files[undo.n_files++];
        *file = (struct file){.device = info->st_dev, .inode = info->st_ino, .size = info->st_size};
    }
    return file;
}

/* Saves the bytes from `offset` to `end` that are there now and belong to the durable content. */
static void save(struct file *file, int fd, off_t now, off_t offset, off_t end)
{
    struct saved saved = {.offset = offset};

    end = end < now ? end : now;
    end = end < file->size ? end : file->size;
    if (offset >= end) {
        return; /* beyond the durable end: cutting the file there takes it away */
    }
    saved.len = (size_t)(end - offset);
    saved.bytes = malloc(saved.len);
    if (!saved.bytes) {
        broken("memory");
    }
    for (size_t done = 0; done < saved.len;) {
        ssize_t n = raw_pread(fd, saved.bytes + done, saved.len - done, offset + (off_t)done);

        if (n <= 0) {
            broken("read the old content of a file that is open for writing only");
        }
        done += (size_t)n;
    }
    file->saved = grown(file->saved, &file->capacity, file->n_saved + 1, sizeof *file->saved);
    file->saved[file->n_saved++] = saved;
}

void undo_before_write(int fd, off_t offset, size_t len)
{
    struct stat info;
    struct file *file = file_of(fd, &info);

    if (file) {
        save(file, fd, info.st_size, offset, offset + (off_t)len);
    }
}

void undo_before_truncate(int fd, off_t size)
{
    struct stat info;
    struct file *file = file_of(fd, &info);

    if (file) {
        save(file, fd, info.st_size, size, info.st_size);
    }
}

/* ---- names ------------------------------------------------------------------------------------------ */

static bool is_referenced(size_t directory)
{
    for (size_t i = 0; i < undo.n_changes; i++) {
        const struct change *change = &undo.changes[i];

        if (change->directory == directory ||
            (change->kind == CHANGE_RENAME && change->to_directory == directory)) {
            return true;
        }
    }
    return false;
}

/* Splits `path` into its directory, opened and remembered, and its last name. */
static size_t parent_of(int dir, const char *path, char name[256])
{
    char parent[4096];
    size_t len = strlen(path);
    size_t slash;
    struct directory found;
    struct stat info;
    int fd;

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    for (slash = len; slash > 0 && path[slash - 1] != '/'; slash--) {
    }
    if (len - slash > 255 || len >= sizeof parent) {
        errno = ENAMETOOLONG;
        broken("a name");
    }
    memcpy(name, path + slash, len - slash);
    name[len - slash] = '\0';
    memcpy(parent, slash ? path : ".", slash ? slash : 1);
    parent[slash ? slash : 1] = '\0';
    fd = raw_openat(dir, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &info) < 0) {
        broken("the directory of a name");
    }
    for (size_t i = 0; i < undo.n_directories; i++) {
        if (undo.directories[i].inode == info.st_ino && undo.directories[i].device == info.st_dev) {
            raw_close(fd);
            return i;
        }
    }
    found = (struct directory){info.st_dev, info.st_ino, fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD)};
    raw_close(fd);
    if (found.fd < 0) {
        broken("a descriptor for a directory");
    }
    if (undo.n_directories >= MANY_DIRECTORIES) {
        for (size_t i = 0; i < undo.n_directories; i++) {
            if (!is_referenced(i)) {
                raw_close(undo.directories[i].fd);
                undo.directories[i] = found;
                return i;
            }
        }
    }
    undo.directories = grown(undo.directories, &undo.directories_capacity, undo.n_directories + 1,
                             sizeof *undo.directories);
    undo.directories[undo.n_directories] = found;
    return undo.n_directories++;
}

static struct change *change_add(enum change_kind kind, int dir, const char *path)
{
    struct change *change;
    char name[256];
    size_t directory = parent_of(dir, path, name);

    undo.changes =
        grown(undo.changes, &undo.changes_capacity, undo.n_changes + 1, sizeof *undo.changes);
    change = &undo.changes[undo.n_changes++];
    *change = (struct change){.kind = kind, .directory = directory};
    memcpy(change->name, name, sizeof name);
    return change;
}

static void kept_name(unsigned number, char name[16])
{
    snprintf(name, 16, "%u", number);
}

static void unkeep(unsigned number)
{
    char name[16];

    if (number) {
        kept_name(number, name);
        raw_unlinkat(undo.keep_fd, name, 0);
    }
}

/* Another link to what is about to lose its name. */
static unsigned keep(int dir, const char *path)
{
    char name[16];

    if (undo.keep_fd < 0) {
        int fd;

        if (raw_mkdirat(AT_FDCWD, undo.keep, 0700) < 0 && errno != EEXIST) {
            broken(undo.keep);
        }
        fd = raw_openat(AT_FDCWD, undo.keep, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        undo.keep_fd = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
        raw_close(fd);
        if (undo.keep_fd < 0) {
            broken(undo.keep);
        }
    }
    kept_name(++undo.last_kept, name);
    if (raw_linkat(dir, path, undo.keep_fd, name, 0) < 0) {
        broken("link a file that is being removed into the hidden directory");
    }
    return undo.last_kept;
}

static void identify(struct change *change, const struct stat *info)
{
    change->device = info->st_dev;
    change->inode = info->st_ino;
    change->mode = info->st_mode;
}

void undo_after_create(int dir, const char *path)
{
    struct change *change = change_add(CHANGE_CREATE, dir, path);
    struct stat info;

    if (fstatat(dir, path, &info, AT_SYMLINK_NOFOLLOW) < 0) {
        broken("a new file");
    }
    identify(change, &info);
    if (S_ISREG(info.st_mode) && info.st_nlink == 1) {
        file_drop(info.st_dev, info.st_ino); /* the number was another file's */
    }
}

void undo_after_mkdir(int dir, const char *path)
{
    struct change *change = change_add(CHANGE_MKDIR, dir, path);
    struct stat info;

    if (fstatat(dir, path, &info, AT_SYMLINK_NOFOLLOW) < 0) {
        broken("a new directory");
    }
    identify(change, &info);
}

struct undo_token undo_before_unlink(int dir, const char *path)
{
    struct undo_token token = {.kept = 0};

    if (fstatat(dir, path, &token.removed, AT_SYMLINK_NOFOLLOW) < 0) {
        token.removed.st_ino = 0;
    } else if (!S_ISDIR(token.removed.st_mode)) {
        token.kept = keep(dir, path);
    }
    return token;
}

struct undo_token undo_before_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    struct undo_token token = {.kept = 0};

    if (fstatat(from_dir, from, &token.moved, AT_SYMLINK_NOFOLLOW) < 0) {
        token.moved.st_ino = 0;
        return token;
    }
    if (fstatat(to_dir, to, &token.removed, AT_SYMLINK_NOFOLLOW) < 0) {
        token.removed.st_ino = 0;
    } else if (token.removed.st_ino != token.moved.st_ino && !S_ISDIR(token.removed.st_mode)) {
        token.kept = keep(to_dir, to);
    }
    return token;
}

void undo_cancel(struct undo_token token)
{
    unkeep(token.kept);
}

void undo_after_unlink(int dir, const char *path, struct undo_token token)
{
    struct change *change = change_add(CHANGE_UNLINK, dir, path);

    identify(change, &token.removed);
    change->kept = token.kept;
}

void undo_after_rmdir(int dir, const char *path, struct undo_token token)
{
    identify(change_add(CHANGE_RMDIR, dir, path), &token.removed);
}

void undo_after_rename(int from_dir, const char *from, int to_dir, const char *to,
                       struct undo_token token)
{
    struct change *change;

    if (token.removed.st_ino && token.removed.st_ino == token.moved.st_ino) {
        return; /* two links to one file: nothing happens */
    }
    change = change_add(CHANGE_RENAME, from_dir, from);
    change->to_directory = change->directory; /* until the next line finds it */
    change->to_directory = parent_of(to_dir, to, change->to_name);
    identify(change, &token.moved);
    change->kept = token.kept;
}

/* ---- becoming durable ------------------------------------------------------------------------------- */

static void change_remove(size_t index)
{
    unkeep(undo.changes[index].kept);
    memmove(&undo.changes[index], &undo.changes[index + 1],
            (undo.n_changes - index - 1) * sizeof *undo.changes);
    undo.n_changes--;
}

static void directory_durable(dev_t device, ino_t inode)
{
    for (size_t i = 0; i < undo.n_changes;) {
        const struct change *change = &undo.changes[i];
        const struct directory *at =
            &undo.directories[change->kind == CHANGE_RENAME ? change->to_directory
                                                            : change->directory];

        if (at->inode == inode && at->device == device) {
            change_remove(i);
        } else {
            i++;
        }
    }
}

void undo_after_sync(int fd)
{
    struct stat info;

    if (fstat(fd, &info) < 0) {
        return;
    }
    if (S_ISDIR(info.st_mode)) {
        directory_durable(info.st_dev, info.st_ino);
    } else {
        file_drop(info.st_dev, info.st_ino);
    }
}

void undo_all_durable(void)
{
    while (undo.n_changes > 0) {
        change_remove(undo.n_changes - 1);
    }
    while (undo.n_files > 0) {
        file_clear(&undo.files[--undo.n_files]);
    }
}

/* ---- the cut ---------------------------------------------------------------------------------------- */

/* A well-mixed number of the seed and two others (splitmix64). */
static uint64_t mixed(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + a * 0xbf58476d1ce4e5b9u + b * 0x94d049bb133111ebu;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static bool is_still(int dir, const char *name, const struct change *change)
{
    struct stat info;

    return fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_ino == change->inode &&
           info.st_dev == change->device;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_below(int dir, const char *name)
{
    int fd = raw_openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        if (!is_dots(entry->d_name) && raw_unlinkat(fd, entry->d_name, 0) < 0) {
            remove_below(fd, entry->d_name);
        }
    }
    if (entries) {
        closedir(entries);
    }
    raw_unlinkat(dir, name, AT_REMOVEDIR);
}

static void put_back(const struct change *change, int dir, const char *name)
{
    char kept[16];

    if (change->kept) {
        kept_name(change->kept, kept);
        raw_linkat(undo.keep_fd, kept, dir, name,
                   0); /* fails where something durable has the name */
    }
}

/* A directory that was removed comes back as a new one: what was below it is put back into that. */
static void remake_directory(const struct change *change, int dir)
{
    int fd;

    if (raw_mkdirat(dir, change->name, change->mode & 07777) < 0) {
        return;
    }
    fd = raw_openat(dir, change->name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    for (size_t i = 0; i < undo.n_directories; i++) {
        if (undo.directories[i].inode == change->inode &&
            undo.directories[i].device == change->device) {
            undo.directories[i].fd = fd;
        }
    }
}

static void take_back(const struct change *change)
{
    int dir = undo.directories[change->directory].fd;

    switch (change->kind) {
    case CHANGE_CREATE:
        if (is_still(dir, change->name, change)) {
            raw_unlinkat(dir, change->name, 0);
        }
        break;
    case CHANGE_MKDIR:
        if (is_still(dir, change->name, change)) {
            remove_below(dir, change->name);
        }
        break;
    case CHANGE_UNLINK:
        put_back(change, dir, change->name);
        break;
    case CHANGE_RMDIR:
        remake_directory(change, dir);
        break;
    case CHANGE_RENAME: {
        int to = undo.directories[change->to_directory].fd;

        if (is_still(to, change->to_name, change)) {
            raw_renameat2(to, change->to_name, dir, change->name, 1 /* RENAME_NOREPLACE */);
        }
        put_back(change, to, change->to_name);
        break;
    }
    }
}

/* The file's bytes at the cut: durable, or with a seed a mixture of sectors. */
static void restore(struct file *file, int fd, uint64_t seed, uint64_t number)
{
    struct stat info;
    off_t size = file->size;

    if (fstat(fd, &info) < 0) {
        return;
    }
    if (seed) {
        off_t low = info.st_size < file->size ? info.st_size : file->size;
        off_t high = info.st_size < file->size ? file->size : info.st_size;

        size = low + (off_t)(mixed(seed, number, ~UINT64_C(0)) % (uint64_t)(high - low + 1));
    }
    for (size_t i = file->n_saved; i-- > 0;) {
        const struct saved *saved = &file->saved[i];

        for (size_t done = 0; done < saved->len;) {
            off_t at = saved->offset + (off_t)done;
            size_t len = SECTOR - (size_t)(at % SECTOR);

            len = len < saved->len - done ? len : saved->len - done;
            if (!seed || mixed(seed, number, (uint64_t)(at / SECTOR)) & 1) {
                raw_pwrite(fd, saved->bytes + done, len, at);
            }
            done += len;
        }
    }
    /* sectors that were added since, and never reached the disk although the size did */
    for (off_t at = file->size; seed && at < size; at += SECTOR - at % SECTOR) {
        static const char zeros[SECTOR];
        off_t len = SECTOR - at % SECTOR;

        if (mixed(seed, number, (uint64_t)(at / SECTOR)) & 1) {
            raw_pwrite(fd, zeros, (size_t)(len < size - at ? len : size - at), at);
        }
    }
    raw_ftruncate(fd, size);
}

/* Visits all that is under the root: restores files, removes what is only memory. */
static void visit(int dir, const char *name, uint64_t seed)
{
    int fd = raw_openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        size_t len = strlen(entry->d_name);
        struct file *file;
        struct stat info;

        if (is_dots(entry->d_name) || fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode)) {
            visit(fd, entry->d_name, seed);
            continue;
        }
        if (len > 4 && strcmp(entry->d_name + len - 4, "-shm") == 0) {
            raw_unlinkat(fd, entry->d_name, 0); /* mapped and shared: volatile by SQLite's design */
            continue;
        }
        file = file_find(info.st_dev, info.st_ino);
        if (file) {
            int open_fd;

            if (!(info.st_mode & S_IWUSR)) {
                fchmodat(fd, entry->d_name, info.st_mode | S_IWUSR, 0);
            }
            open_fd = raw_openat(fd, entry->d_name, O_RDWR | O_CLOEXEC, 0);
            if (open_fd < 0) {
                broken("open a file to restore it");
            }
            restore(file, open_fd, seed, (uint64_t)(file - undo.files));
            raw_close(open_fd);
            if (!(info.st_mode & S_IWUSR)) {
                fchmodat(fd, entry->d_name, info.st_mode, 0);
            }
        }
    }
    if (entries) {
        closedir(entries);
    }
}

void undo_cut(uint64_t seed)
{
    size_t stay = seed ? (size_t)(mixed(seed, 0, undo.n_changes) % (undo.n_changes + 1)) : 0;

    for (size_t i = undo.n_changes; i-- > stay;) {
        take_back(&undo.changes[i]);
    }
    visit(AT_FDCWD, undo.root, seed);
    undo_end();
}

/* ---- life ------------------------------------------------------------------------------------------- */

void undo_begin(const char *root)
{
    undo_forget();
    snprintf(undo.root, sizeof undo.root, "%s", root);
    snprintf(undo.keep, sizeof undo.keep, "%s.fault-%ld", root, (long)getpid());
}

void undo_forget(void)
{
    for (size_t i = 0; i < undo.n_directories; i++) {
        raw_close(undo.directories[i].fd);
    }
    if (undo.keep_fd >= 0) {
        raw_close(undo.keep_fd);
        undo.keep_fd = -1;
    }
    while (undo.n_files > 0) {
        file_clear(&undo.files[--undo.n_files]);
    }
    undo.n_directories = undo.n_changes = 0;
}

void undo_end(void)
{
    if (undo.keep_fd >= 0) {
        undo_all_durable();
        remove_below(AT_FDCWD, undo.keep);
    }
    undo_forget();
}

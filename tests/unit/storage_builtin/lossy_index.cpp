// A SQLite VFS over the machine's own that tells the lossy disk of every write, sync and deletion.
#include <sqlite3.h>

#include "tests/unit/storage_builtin/lossy_disk.hpp"

namespace photogate::storage::builtin {

namespace {

struct LossyFile {
    sqlite3_file base;
    sqlite3_file* real;
    std::filesystem::path* path;
};

sqlite3_vfs* below() {
    static sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
    return vfs;
}

LossyFile* lossy(sqlite3_file* file) {
    return reinterpret_cast<LossyFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
    return lossy(file)->real;
}

int close_file(sqlite3_file* file) {
    const int code = real(file)->pMethods->xClose(real(file));
    sqlite3_free(real(file));
    delete lossy(file)->path;
    return code;
}
int read_file(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), out, amount, offset);
}
int write_file(sqlite3_file* file, const void* bytes, int amount, sqlite3_int64 offset) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().wrote(*lossy(file)->path);
    LossyDisk::instance().step();
    return real(file)->pMethods->xWrite(real(file), bytes, amount, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().wrote(*lossy(file)->path);
    LossyDisk::instance().step();
    return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    const int code = real(file)->pMethods->xSync(real(file), flags);
    if (code == SQLITE_OK) LossyDisk::instance().synced(*lossy(file)->path);
    return code;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
    return real(file)->pMethods->xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* out) {
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int control(sqlite3_file* file, int what, void* argument) {
    return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int sector_size(sqlite3_file* file) {
    return real(file)->pMethods->xSectorSize(real(file));
}
int device(sqlite3_file* file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
    real(file)->pMethods->xShmBarrier(real(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Version 2: no xFetch, so that no write passes through a mapping, unseen.
constexpr sqlite3_io_methods kMethods{2,           close_file,  read_file, write_file,  truncate_file,
                                      sync_file,   file_size,   lock_file, unlock_file, check_lock,
                                      control,     sector_size, device,    shm_map,     shm_lock,
                                      shm_barrier, shm_unmap,   nullptr,   nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    LossyFile* opened = lossy(file);
    opened->base.pMethods = nullptr;
    opened->real = static_cast<sqlite3_file*>(sqlite3_malloc(below()->szOsFile));
    if (opened->real == nullptr) return SQLITE_NOMEM;
    const int code = below()->xOpen(below(), name, opened->real, flags, out);
    if (code != SQLITE_OK) {
        sqlite3_free(opened->real);
        return code;
    }
    opened->path = new std::filesystem::path{name != nullptr ? name : ""};
    opened->base.pMethods = &kMethods;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int sync) {
    const std::lock_guard lock{LossyDisk::instance().mutex()};
    LossyDisk::instance().step();
    LossyDisk::instance().removed(name);
    const int code = below()->xDelete(below(), name, sync);
    if (code == SQLITE_OK && sync != 0)
        LossyDisk::instance().folder_synced(std::filesystem::path{name}.parent_path());
    return code;
}

}  // namespace

void put_index_on_lossy_disk() {
    static sqlite3_vfs vfs = *below();
    vfs.zName = "lossy";
    vfs.pNext = nullptr;
    vfs.szOsFile = sizeof(LossyFile);
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    sqlite3_vfs_register(&vfs, 1);
}

}  // namespace photogate::storage::builtin

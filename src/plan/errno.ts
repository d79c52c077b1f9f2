/** Texts of errno values: strerror(3) in Go's lower case, because engines match on runc's messages. */
import { lazy } from "../lazy.js";

const texts = lazy(
	(): Record<string, string> => ({
		E2BIG: "argument list too long",
		EACCES: "permission denied",
		EAGAIN: "resource temporarily unavailable",
		EBADF: "bad file descriptor",
		EBUSY: "device or resource busy",
		ECHILD: "no child processes",
		ECONNRESET: "connection reset by peer",
		EDOM: "numerical argument out of domain",
		EDQUOT: "disk quota exceeded",
		EEXIST: "file exists",
		EFAULT: "bad address",
		EFBIG: "file too large",
		EINTR: "interrupted system call",
		EINVAL: "invalid argument",
		EIO: "input/output error",
		EISDIR: "is a directory",
		ELIBBAD: "accessing a corrupted shared library",
		ELOOP: "too many levels of symbolic links",
		EMFILE: "too many open files",
		ENAMETOOLONG: "file name too long",
		ENFILE: "too many open files in system",
		ENODEV: "no such device",
		ENOENT: "no such file or directory",
		ENOEXEC: "exec format error",
		ENOKEY: "required key not available",
		ENOMEM: "cannot allocate memory",
		ENOSPC: "no space left on device",
		ENOSYS: "function not implemented",
		ENOTBLK: "block device required",
		ENOTDIR: "not a directory",
		ENOTEMPTY: "directory not empty",
		ENOTTY: "inappropriate ioctl for device",
		ENXIO: "no such device or address",
		EOPNOTSUPP: "operation not supported",
		EOVERFLOW: "value too large for defined data type",
		EPERM: "operation not permitted",
		EPIPE: "broken pipe",
		EPROTO: "protocol error",
		ERANGE: "numerical result out of range",
		EROFS: "read-only file system",
		ESRCH: "no such process",
		ESTALE: "stale file handle",
		ETIMEDOUT: "connection timed out",
		ETXTBSY: "text file busy",
		EUSERS: "too many users",
		EXDEV: "invalid cross-device link",
	}),
);

/** `code` is the errno's name; the number serves where the name has no text here. */
export function errnoText(code: string, errno: number): string {
	return texts()[code] ?? (code || `errno ${errno}`);
}

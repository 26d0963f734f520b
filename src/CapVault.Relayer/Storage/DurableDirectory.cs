using System.Runtime.InteropServices;
using System.Text;

namespace CapVault.Relayer.Storage;

/// <summary>
/// Writes a folder's entries to the disk. A file's own flush does not cover its name: after a power failure a renamed file could be gone, though
/// the row that speaks of it was committed. .NET opens no folders, so this asks the C library.
/// </summary>
internal static class DurableDirectory
{
    /// <exception cref="IOException">The folder could not be flushed.</exception>
    public static void Flush(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals renames by itself
        }

        var descriptor = Open(Encoding.UTF8.GetBytes(directory + '\0'), flags: 0);
        if (descriptor < 0)
        {
            throw new IOException($"Could not open {directory} to flush it (error {Marshal.GetLastPInvokeError()}).");
        }

        var flushed = Fsync(descriptor);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (flushed != 0)
        {
            throw new IOException($"Could not flush {directory} (error {error}).");
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Fsync(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}

using System.Globalization;

namespace CapVault.Relayer.Storage;

/// <summary>Keeps a second relayer away from a SQLite database: two would both believe that they own the lane's nonces.</summary>
internal static class ProcessLock
{
    /// <summary>Takes the lock, which the operating system gives back when the process ends, however it ends.</summary>
    /// <exception cref="InvalidOperationException">Another process holds it; the message names it.</exception>
    public static FileStream Take(string directory)
    {
        // Not in the locked file: nobody else can read that.
        var holder = Path.Combine(directory, "relayer.pid");
        FileStream locked;
        try
        {
            locked = new FileStream(Path.Combine(directory, "relayer.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            var process = File.Exists(holder) ? $"process {File.ReadAllText(holder)}" : "another process";
            throw new InvalidOperationException(
                $"The database in {directory} is in use by {process}. Stop that relayer first, or give this one a DataDirectory of its own.", exception);
        }

        File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return locked;
    }
}

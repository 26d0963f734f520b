namespace CapVault.Relayer.Storage;

/// <summary>Keeps a second relayer away from a SQLite database: two would both believe that they own the lane's nonces.</summary>
internal static class ProcessLock
{
    /// <summary>Takes the lock, which the operating system gives back when the process ends, however it ends.</summary>
    /// <exception cref="InvalidOperationException">Another process holds it; the message names it.</exception>
    public static FileStream Take(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException(
                $"The database beside {path} is in use by {Holder(path)}. Stop that relayer first, or give this one a DataDirectory of its own.", exception);
        }

        file.SetLength(0);
        file.Write(System.Text.Encoding.UTF8.GetBytes($"process {Environment.ProcessId}"));
        file.Flush();
        return file;
    }

    private static string Holder(string path)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return reader.ReadToEnd();
        }
        catch (IOException)
        {
            return "another process";
        }
    }
}

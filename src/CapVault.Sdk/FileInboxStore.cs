using System.Text;

namespace CapVault.Sdk;

/// <summary>
/// An inbox in a file: a line per saved step, appended and synced to the disk, so that a process or machine which dies at any point loses
/// at most the line it was writing. The file is written anew, beside the old one and then in its place, when it has grown to twice its capacity.
/// </summary>
public sealed class FileInboxStore : IInboxStore, IDisposable
{
    private const string Header = "capvault-inbox 1";

    /// <summary>Stands for the event where only the position moved.</summary>
    private const char NoEvent = '-';

    private readonly string _path;
    private readonly int _capacity;
    private readonly FileStream _lock;
    private readonly Queue<string> _order = new();
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private FileStream _file;
    private string? _cursor;
    private int _lines;

    private FileInboxStore(string path, int capacity, FileStream held)
    {
        _path = path;
        _capacity = capacity;
        _lock = held;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
    }

    /// <summary>Opens the inbox, or makes it.</summary>
    /// <param name="path">The file. Beside it, a file <c>.lock</c> keeps a second process away.</param>
    /// <param name="capacity">How many events it remembers, 100 – 1 000 000. The cursor alone keeps events from coming again; the events matter
    /// after a gap and when the relayer was restored from a backup.</param>
    /// <exception cref="InvalidOperationException">Another process has it open, or the file is not an inbox.</exception>
    public static FileInboxStore Open(string path, int capacity = 10_000)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 100);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1_000_000);
        var full = Path.GetFullPath(path);
        var store = new FileInboxStore(full, capacity, Lock(full));
        try
        {
            store.Load();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<string?> GetCursorAsync(CancellationToken cancellationToken) => ValueTask.FromResult(_cursor);

    /// <inheritdoc/>
    public ValueTask<bool> ContainsAsync(string eventId, CancellationToken cancellationToken) => ValueTask.FromResult(_seen.Contains(eventId));

    /// <inheritdoc/>
    public ValueTask SaveAsync(string cursor, string? eventId, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(cursor);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            if (_lines >= 2 * _capacity)
            {
                Rewrite();
            }

            // One write, then the sync: a line that is there to its end was saved, everything else is cut off when the file is opened.
            _file.Write(Encoding.UTF8.GetBytes($"{eventId ?? NoEvent.ToString()} {cursor}\n"));
            _file.Flush(flushToDisk: true);
        }
        catch
        {
            // Half a line may stand there (a full disk): whoever goes on writes the file anew first.
            _lines = int.MaxValue;
            throw;
        }

        Remember(eventId, cursor);
        return ValueTask.CompletedTask;
    }

    /// <summary>Closes the file; another process may open it.</summary>
    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    private static FileStream Lock(string path)
    {
        try
        {
            // A file of its own: the inbox is replaced from time to time, and a lock on it would go with the old one.
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (File.Exists(path + ".lock"))
        {
            throw new InvalidOperationException(
                $"The inbox {path} is in use by another process. Two would handle each event twice: stop the other one, or give this one a file of its own.", e);
        }
    }

    private void Load()
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var text = Encoding.UTF8.GetString(bytes);
        if (text.Length == 0 || !text.Contains('\n'))
        {
            // New, or it died while it wrote the first line.
            RequireInbox(text.Length == 0 || Header.StartsWith(text, StringComparison.Ordinal));
            Rewrite();
            return;
        }

        var lines = text.Split('\n');
        RequireInbox(lines[0] == Header);
        for (var i = 1; i < lines.Length - 1; i++)
        {
            if (lines[i].Split(' ') is [{ Length: > 0 } eventId, { Length: > 0 } cursor] && !lines[i].Contains('\0'))
            {
                Remember(eventId is [NoEvent] ? null : eventId, cursor);
            }
            else if (i < lines.Length - 2)
            {
                throw new InvalidOperationException($"Line {i + 1} of the inbox {_path} is damaged. Delete the file to begin anew: events then come again from the cursor that you connect with.");
            }
        }

        // Without what was being written when the process died.
        Rewrite();
    }

    private void RequireInbox(bool isInbox)
    {
        if (!isInbox)
        {
            throw new InvalidOperationException($"{_path} is not an inbox of this SDK: found another first line, expected '{Header}'. Give the inbox a file of its own.");
        }
    }

    private void Remember(string? eventId, string cursor)
    {
        _cursor = cursor;
        _lines++;
        if (eventId is null || !_seen.Add(eventId))
        {
            return;
        }

        _order.Enqueue(eventId);
        if (_order.Count > _capacity)
        {
            _seen.Remove(_order.Dequeue());
        }
    }

    private void Rewrite()
    {
        var content = new StringBuilder(Header).Append('\n');
        foreach (var eventId in _order)
        {
            content.Append(eventId).Append(' ').Append(_cursor).Append('\n');
        }

        if (_order.Count == 0 && _cursor is not null)
        {
            content.Append(NoEvent).Append(' ').Append(_cursor).Append('\n');
        }

        _file.Dispose();
        var temporary = _path + ".new";
        _file = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);
        _file.Write(Encoding.UTF8.GetBytes(content.ToString()));
        _file.Flush(flushToDisk: true);
        File.Move(temporary, _path, overwrite: true);
        _lines = _order.Count;
    }
}

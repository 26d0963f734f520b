using System.Buffers;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Objects;

/// <summary>The bytes of objects: one file each in the data directory, named by the object's key. What counts is said by the rows.</summary>
public sealed class ObjectStore
{
    private readonly string _directory;
    private readonly string _arriving;

    /// <summary>Makes the folders, and removes what was arriving when the process before this one ended.</summary>
    public ObjectStore(IOptions<RelayerOptions> options, Db db, TimeProvider time)
    {
        _directory = Path.GetFullPath(Path.Combine(options.Value.DataDirectory, "objects"));
        _arriving = Path.Combine(_directory, "arriving");
        Directory.CreateDirectory(_directory);
        Directory.CreateDirectory(_arriving);
        // Where other processes take in files too, only what is of none that is still running.
        foreach (var left in new DirectoryInfo(_arriving).EnumerateFiles().Where(file => !db.IsShared || file.LastWriteTimeUtc < time.GetUtcNow().UtcDateTime.AddDays(-1)))
        {
            left.Delete();
        }
    }

    /// <summary>Where an object's bytes are.</summary>
    public string PathOf(string objectKey) => Path.Combine(_directory, objectKey);

    /// <summary>Takes bytes in, hashing them on the way, as a file that does not count before <see cref="Keep"/>.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="maximum">How many at most.</param>
    /// <param name="cancellationToken">Ends it; nothing stays.</param>
    /// <returns>To be disposed: what was not kept goes.</returns>
    public async Task<ArrivedFile> TakeInAsync(Stream content, long maximum, CancellationToken cancellationToken)
    {
        var file = new ArrivedFile(Path.Combine(_arriving, Guid.NewGuid().ToString("N")));
        try
        {
            await using var stream = new FileStream(file.Path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true);
            (file.Size, file.Hash) = await ReadAsync(content, maximum, stream.WriteAsync, cancellationToken);
            stream.Flush(flushToDisk: true);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads bytes to their end, or to the first one too many; then the size is more than <paramref name="maximum"/> and the hash is of no use.</summary>
    public static async Task<(long Size, byte[] Hash)> ReadAsync(
        Stream content, long maximum, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>? write, CancellationToken cancellationToken)
    {
        var hash = new IncrementalKeccak256();
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            long size = 0;
            while (size <= maximum && await content.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                size += read;
                hash.AppendData(buffer.AsSpan(0, read));
                if (write is not null && size <= maximum)
                {
                    await write(buffer.AsMemory(0, read), cancellationToken);
                }
            }

            return (size, hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Makes an arrived file the object's, durably.</summary>
    public void Keep(ArrivedFile file, string objectKey)
    {
        File.Move(file.Path, PathOf(objectKey), overwrite: true);
        DurableDirectory.Flush(_directory);
    }

    /// <summary>Removes an object's bytes.</summary>
    public void Remove(string objectKey) => File.Delete(PathOf(objectKey));

    /// <summary>The keys of all objects that have bytes here.</summary>
    public IEnumerable<string> List() => Directory.EnumerateFiles(_directory).Select(path => Path.GetFileName(path));
}

/// <summary>A file that has come whole, and does not count yet.</summary>
public sealed class ArrivedFile(string path) : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>Bytes.</summary>
    public long Size { get; internal set; }

    /// <summary>keccak256 of the bytes.</summary>
    public byte[] Hash { get; internal set; } = [];

    /// <summary>Removes it, unless it was kept.</summary>
    public void Dispose() => File.Delete(path);
}

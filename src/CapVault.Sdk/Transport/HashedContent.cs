using System.Net;

namespace CapVault.Sdk.Transport;

/// <summary>A body that is hashed while it is sent, so that what the relayer says of it can be checked.</summary>
internal sealed class HashedContent(Stream content, IdleWatch watch) : HttpContent
{
    private const int BufferBytes = 64 * 1024;

    private readonly long _start = content.CanSeek ? content.Position : 0;
    private bool _begun;

    /// <summary>Bytes that were sent.</summary>
    public long Size { get; private set; }

    /// <summary>keccak256 of them; null before all were sent.</summary>
    public byte[]? Hash { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // On a connection that had just been closed, the handler sends once more.
        if (_begun)
        {
            content.Position = _start;
        }

        _begun = true;
        (Size, Hash) = (0, null);
        var keccak = new IncrementalKeccak256();
        var buffer = new byte[BufferBytes];
        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            keccak.AppendData(buffer.AsSpan(0, read));
            Size += read;
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            watch.Restart();
        }

        Hash = keccak.GetHashAndReset();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = content.CanSeek ? content.Length - _start : 0;
        return content.CanSeek;
    }
}

using System.Buffers;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Sdk.Transport;

/// <summary>Moves the bytes of objects over their links and hashes them on the way. No key goes with them: a link is authority enough.</summary>
internal sealed class ObjectTransfer : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly int _maxRetries;

    public ObjectTransfer(Config config)
    {
        _time = config.TimeProvider;
        _maxRetries = config.MaxRetries;
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(2), AllowAutoRedirect = false };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan }; // IdleWatch ends what does not move
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Sends a stream from where it stands; again from there if that fails and it can be wound back.</summary>
    /// <returns>What was stored: size and hash are those of the bytes that were sent.</returns>
    public Task<StoredObject> PutAsync(string link, Stream content, CancellationToken cancellationToken)
    {
        var start = content.CanSeek ? content.Position : 0;
        return RepeatAsync(
            async (watch, failures) =>
            {
                if (failures > 0)
                {
                    content.Position = start;
                }

                using var body = new HashedContent(content, watch);
                using var request = new HttpRequestMessage(HttpMethod.Put, link) { Content = body };
                request.Headers.ExpectContinue = true; // a refusal comes before the bytes go
                using var response = await _http.SendAsync(request, watch.Token);
                var (answer, refusal) = await ApiConnection.ReadAsync<StoredObject>(request, response, watch.Token);
                return refusal is not null ? throw refusal : Checked(answer!.Data!, body);
            },
            mayRepeat: () => content.CanSeek,
            cancellationToken);
    }

    /// <summary>Gets an object's bytes and checks them; begins again only while none has been written.</summary>
    /// <exception cref="CapApiException"><c>CONTENT_HASH_MISMATCH</c>: they are not those that <paramref name="expected"/> speaks of.</exception>
    public Task GetAsync(string link, StoredObject expected, Stream destination, CancellationToken cancellationToken)
    {
        var begun = false;
        return RepeatAsync(
            async (watch, _) =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, link);
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, watch.Token);
                if (!response.IsSuccessStatusCode)
                {
                    throw (await ApiConnection.ReadAsync<StoredObject>(request, response, watch.Token)).Refusal!;
                }

                await using var source = await response.Content.ReadAsStreamAsync(watch.Token);
                var (size, hash) = await CopyAsync(source, destination, expected.Size, watch, () => begun = true);
                RequireSame(expected, size, hash, "came over the link");
                return true;
            },
            mayRepeat: () => !begun,
            cancellationToken);
    }

    private async Task<T> RepeatAsync<T>(Func<IdleWatch, int, Task<T>> transfer, Func<bool> mayRepeat, CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            CapApiException failure;
            using (var watch = new IdleWatch(_time, cancellationToken))
            {
                try
                {
                    return await transfer(watch, failures);
                }
                catch (CapApiException refusal)
                {
                    failure = refusal;
                }
                catch (HttpRequestException e)
                {
                    failure = Broken(e, e.Message);
                }
                catch (OperationCanceledException e) when (watch.IsSilent && !cancellationToken.IsCancellationRequested)
                {
                    failure = Broken(e, "nothing moved for a minute");
                }
            }

            if (!failure.Retryable || !mayRepeat() || failures >= _maxRetries)
            {
                throw failure;
            }

            await Task.Delay(Backoff.Delay(failures + 1), _time, cancellationToken);
        }
    }

    private static async Task<(long Size, byte[] Hash)> CopyAsync(Stream source, Stream destination, long maximum, IdleWatch watch, Action begin)
    {
        var keccak = new IncrementalKeccak256();
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            long size = 0;
            // Not one byte more than was promised: what comes beyond is not the object, and may never end.
            while (size <= maximum && await ReadAsync(source, buffer, watch) is > 0 and var read)
            {
                watch.Restart();
                size += read;
                keccak.AppendData(buffer.AsSpan(0, read));
                begin();
                await destination.WriteAsync(buffer.AsMemory(0, read), watch.Token);
            }

            return (size, keccak.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Told apart from a destination that cannot be written to.
    private static async Task<int> ReadAsync(Stream source, byte[] buffer, IdleWatch watch)
    {
        try
        {
            return await source.ReadAsync(buffer, watch.Token);
        }
        catch (IOException e)
        {
            throw Broken(e, e.Message);
        }
    }

    private static StoredObject Checked(StoredObject stored, HashedContent sent)
    {
        RequireSame(stored, sent.Size, sent.Hash ?? [], "were sent");
        return stored;
    }

    private static void RequireSame(StoredObject stored, long size, byte[] hash, string what)
    {
        var keccak256 = hash.ToHex(prefix: true);
        if (stored.Size != size || !string.Equals(stored.Keccak256, keccak256, StringComparison.OrdinalIgnoreCase))
        {
            throw new CapApiException(
                200,
                ErrorCodes.ContentHashMismatch,
                $"Object {stored.ObjectKey} is recorded with {stored.Size} bytes of keccak256 {stored.Keccak256}; {size} bytes of {keccak256} {what}. Do not use it.");
        }
    }

    // Without the link: it is a secret, and messages end up in logs.
    private static CapApiException Broken(Exception cause, string what) =>
        new(0, ErrorCodes.RelayerUnavailable, $"The transfer broke off ({what}). Repeat it.", cause) { Retryable = true };
}

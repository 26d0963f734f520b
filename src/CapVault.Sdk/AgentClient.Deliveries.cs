using System.Text.Json;
using CapVault.Contracts.CAPVault;
using CapVault.Sdk.Transport;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Web3;

namespace CapVault.Sdk;

/// <summary>A delivery that is proven.</summary>
/// <param name="Order">The order, settled where its terms ask for no review.</param>
/// <param name="TxHash">Transaction of deliverOrder.</param>
/// <param name="ContentHash">keccak256 of what was sent, computed here, 0x-prefixed; equal to the recorded one.</param>
public sealed record DeliverOrderResult(Order Order, string TxHash, string ContentHash);

public sealed partial class AgentClient
{
    /// <summary>Delivers, as the Provider, and returns when the hash is on chain.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="request">The content. Files that another client uploaded are hashed as the relayer recorded them.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="ArgumentException">The content does not fit its type.</exception>
    /// <exception cref="CapApiException">Refused, or deliverOrder failed for good (<c>DELIVER_REVERTED</c>): the order is <c>paid</c> again and
    /// may be delivered. <c>CONTENT_HASH_MISMATCH</c>: the relayer recorded another hash than that of this content.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public async Task<DeliverOrderResult> DeliverOrderAsync(
        string orderId, DeliverOrderRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var hash = (await HashAsync(request, cancellationToken)).ToHex(prefix: true);
        var order = await StepAsync(OrderStep.Deliver, orderId, request, cancellationToken);
        if (!string.Equals(order.DeliverableHash, hash, StringComparison.OrdinalIgnoreCase))
        {
            throw new CapApiException(200, ErrorCodes.ContentHashMismatch, $"The relayer recorded deliverable hash {order.DeliverableHash}, expected {hash}.");
        }

        foreach (var objectKey in request.Files ?? [])
        {
            _uploaded.TryRemove(objectKey, out _);
        }

        return new DeliverOrderResult(order, order.DeliverTxHash!, hash);
    }

    /// <summary>
    /// Reads what was delivered and checks it against its hash; see <see cref="Delivery.HashVerified"/>. With <see cref="Config.RpcUrl"/> the hash is
    /// checked on chain too, in the vault that the relayer names.
    /// </summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<Delivery> GetDeliveryAsync(string orderId, CancellationToken cancellationToken = default)
    {
        var delivery = await _api.GetAsync<Delivery>($"orders/{Paths.Segment(orderId)}/delivery", cancellationToken);
        var verified = MatchesContent(delivery) && (_config.RpcUrl is null || await IsOnChainAsync(orderId, delivery, _config.RpcUrl, cancellationToken));
        return delivery with { HashVerified = verified };
    }

    // The order that was asked for, not the one that the answer names.
    private async Task<bool> IsOnChainAsync(string orderId, Delivery delivery, string rpcUrl, CancellationToken cancellationToken)
    {
        var order = await GetOrderAsync(orderId, cancellationToken);
        var relayer = await _api.GetAsync<RelayerConfig>("config", cancellationToken);
        try
        {
            return await new CAPVaultService(new Web3(rpcUrl), relayer.Vault)
                .IsDeliveredQueryAsync(order.ChainOrderId.HexToByteArray(), delivery.ContentHash.HexToByteArray())
                .WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is RpcClientUnknownException or RpcClientTimeoutException or RpcResponseException)
        {
            throw new CapApiException(0, ErrorCodes.RelayerUnavailable, $"Could not ask the node at Config.RpcUrl ({new Uri(rpcUrl).Authority}) for the hash on chain: {e.Message}", e)
            {
                Retryable = true,
            };
        }
    }

    private async Task<byte[]> HashAsync(DeliverOrderRequest request, CancellationToken cancellationToken)
    {
        if (request.Files is not { Count: > 0 } files)
        {
            return DeliverableHash.Of(request.DeliverableType, request.DeliverableText, request.DeliverableSchema);
        }

        var manifest = new DeliveryManifest
        {
            Version = 1,
            Text = request.DeliverableText,
            Schema = request.DeliverableSchema,
            Files = await RecordsAsync(files, cancellationToken),
        };
        return DeliverableHash.Of(manifest);
    }

    private static bool MatchesContent(Delivery delivery)
    {
        try
        {
            var hash = delivery.Manifest is { } manifest
                ? DeliverableHash.Of(manifest)
                : DeliverableHash.Of(delivery.DeliverableType, delivery.DeliverableText, delivery.DeliverableSchema);
            return string.Equals(delivery.ContentHash, hash.ToHex(prefix: true), StringComparison.OrdinalIgnoreCase) && SaysOneThing(delivery);
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            return false; // content that has no hash cannot be what was recorded
        }
    }

    // The hash covers the manifest where there is one, else the content: neither may stand beside the other and say something else.
    private static bool SaysOneThing(Delivery delivery) => delivery.Manifest is { } manifest
        ? delivery.HashScheme == HashScheme.Manifest && delivery.DeliverableText == manifest.Text && IsSame(delivery.DeliverableSchema, manifest.Schema)
        : delivery.HashScheme == HashScheme.Text || delivery.HashScheme == HashScheme.Schema;

    private static bool IsSame(JsonElement? one, JsonElement? other) => one is { } value
        ? other is { } same && CanonicalJson.Serialize(value).AsSpan().SequenceEqual(CanonicalJson.Serialize(same))
        : other is null;
}

using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Microsoft.Extensions.Options;
using Nethereum.Util;

namespace CapVault.Relayer.Orders;

/// <summary>
/// Fixes the whole on-chain order when a negotiation begins: price, token, windows and whom it names beside the parties are the service version's, never the
/// caller's.
/// </summary>
public sealed class TermsDrafter(TokenFees fees, ChainClock clock, IOptions<RelayerOptions> options)
{
    /// <summary>The order, and the document whose hash it carries.</summary>
    public async Task<(Contracts.CAPVault.ContractDefinition.Order Order, string Document)> DraftAsync(
        ServiceRow service, AgentRow requester, AgentRow provider, string? requirements, CancellationToken cancellationToken)
    {
        var token = AddressUtil.Current.ConvertToChecksumAddress(service.Token);
        var config = await fees.OfAsync(token, cancellationToken);
        if (!config.Enabled)
        {
            throw ApiException.State(ErrorCodes.ServiceDisabled, $"The vault takes no new orders in {token}. Ask the vault's owner, or use another service.", new { token });
        }

        var thirdParties = ThirdPartyTerms.Read(service.ThirdParties) ?? ThirdParties.None;
        var document = Canonical(service, token, requirements);
        var order = new Contracts.CAPVault.ContractDefinition.Order
        {
            Requester = AddressUtil.Current.ConvertToChecksumAddress(requester.Account),
            Provider = AddressUtil.Current.ConvertToChecksumAddress(provider.Account),
            Token = token,
            Arbiter = thirdParties.Arbiter ?? AddressUtil.ZERO_ADDRESS,
            Approver = thirdParties.Approver ?? AddressUtil.ZERO_ADDRESS,
            CommissionTo = thirdParties.CommissionTo ?? AddressUtil.ZERO_ADDRESS,
            Amount = service.Amount,
            FeeBps = config.MinFeeBps,
            CommissionBps = (ushort)(thirdParties.CommissionBps ?? 0),
            PayDeadline = (ulong)(clock.Now + service.NegotiationTtlSeconds + options.Value.PayWindowSeconds),
            SlaSeconds = (uint)service.SlaSeconds,
            ReviewSeconds = (uint)(thirdParties.ReviewSeconds ?? 0),
            TermsHash = DeliverableHash.Keccak256(document),
            Salt = BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(8)),
        };
        return (order, Encoding.UTF8.GetString(document));
    }

    private static byte[] Canonical(ServiceRow service, string token, string? requirements)
    {
        var document = JsonSerializer.SerializeToElement(
            new
            {
                version = 3, // 1 was without requirementType and the schemas, 2 without thirdParties
                service = new
                {
                    id = service.ServiceId,
                    service.Version,
                    service.Name,
                    service.Description,
                    service.RequirementType,
                    RequirementsSchema = ServiceRow.Json(service.RequirementsSchema),
                    service.DeliverableType,
                    DeliverableSchema = ServiceRow.Json(service.DeliverableSchema),
                },
                price = new { amount = Money.Format(service.Amount), token },
                service.SlaSeconds,
                thirdParties = ThirdPartyTerms.Read(service.ThirdParties),
                requirements = requirements is null ? (JsonElement?)null : JsonSerializer.Deserialize<JsonElement>(requirements),
            },
            CapJson.Options);
        return CanonicalJson.Serialize(document);
    }
}

using System.Numerics;
using System.Text;
using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk.Transport;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.Sdk;

/// <summary>
/// Takes steps at the vault itself, with one's own key and gas: for Arbiters and Approvers, whom no relayer can act for, and for Requesters that are no
/// agents. An order's terms are read from the chain, and count only where they are those of the orderId.
/// </summary>
public sealed class VaultClient
{
    private readonly string _rpcUrl;
    private readonly Deployment _deployment;
    private readonly OrderTypedData _orders;
    private readonly Web3 _web3;

    /// <summary>Makes a client.</summary>
    /// <param name="rpcUrl">Address of a JSON-RPC node of the chain (http or https).</param>
    /// <param name="deployment">The contracts, from a file that you trust (<c>deployments/&lt;chainId&gt;.json</c>).</param>
    /// <param name="key">Signs and pays for the transactions.</param>
    /// <exception cref="ArgumentException">The address is none.</exception>
    public VaultClient(string rpcUrl, Deployment deployment, EthECKey key)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        ArgumentNullException.ThrowIfNull(key);
        _rpcUrl = NodeCalls.Address(rpcUrl);
        _deployment = deployment;
        _orders = new OrderTypedData(deployment.ChainId, deployment.Vault);
        _web3 = new Web3(new Account(key, deployment.ChainId), _rpcUrl);
        Address = key.GetPublicAddress();
    }

    /// <summary>The account that acts.</summary>
    public string Address { get; }

    /// <summary>The terms of an order that was created, from the vault's log.</summary>
    /// <param name="chainOrderId">The 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CapApiException"><see cref="ErrorCodes.OrderNotFound"/>: the node knows none, or shows others in its place.</exception>
    public async Task<OrderTerms> GetTermsAsync(string chainOrderId, CancellationToken cancellationToken = default) => OrderTerms.From(await FindAsync(chainOrderId, cancellationToken));

    /// <summary>Opens the delivery gate, as the Approver. Returns the transaction, mined.</summary>
    /// <inheritdoc cref="ResolveDisputeAsync"/>
    public async Task<string> ApproveOrderAsync(string chainOrderId, CancellationToken cancellationToken = default) =>
        await SendAsync(new ApproveOrderFunction { Order = await FindAsync(chainOrderId, cancellationToken) }, cancellationToken);

    /// <summary>Ends an order as the Approver while it is unapproved and undelivered, or as a party that may; a paid price goes back. Returns the transaction, mined.</summary>
    /// <inheritdoc cref="ResolveDisputeAsync"/>
    public async Task<string> RejectOrderAsync(string chainOrderId, string reason, CancellationToken cancellationToken = default) =>
        await SendAsync(new RejectOrderFunction { Order = await FindAsync(chainOrderId, cancellationToken), ReasonHash = HashOf(reason) }, cancellationToken);

    /// <summary>Splits a disputed price, as the Arbiter. Returns the transaction, mined.</summary>
    /// <param name="chainOrderId">The 0x-prefixed orderId.</param>
    /// <param name="providerPart">What the Provider earned, before fee and commission, token base units: 0 refunds in full, the price is the most.</param>
    /// <param name="reason">1–512 characters. Its keccak256 goes on chain; tell the parties the text.</param>
    /// <param name="cancellationToken">Stops waiting; a transaction that is sent may be mined all the same.</param>
    /// <exception cref="CapApiException"><see cref="ErrorCodes.OrderNotFound"/>: the node knows no such order; <see cref="ErrorCodes.RelayFailed"/>: the vault
    /// would refuse, or did, and nothing has changed; <see cref="ErrorCodes.RelayerUnavailable"/>: the node cannot be asked.</exception>
    public async Task<string> ResolveDisputeAsync(string chainOrderId, BigInteger providerPart, string reason, CancellationToken cancellationToken = default) => await SendAsync(
        new ResolveDisputeFunction { Order = await FindAsync(chainOrderId, cancellationToken), ProviderPart = providerPart, ReasonHash = HashOf(reason) }, cancellationToken);

    /// <summary>Creates an order that the Provider has consented to, and pays it, in one transaction; as the Requester, whose allowance the vault needs. Returns
    /// the transaction, mined.</summary>
    /// <param name="terms">What both consent to; this call is the Requester's consent.</param>
    /// <param name="providerSignature">The Provider's consent, 0x-prefixed; <c>0x</c> where the order is created already.</param>
    /// <param name="cancellationToken">Stops waiting; a transaction that is sent may be mined all the same.</param>
    /// <exception cref="CapApiException"><see cref="ErrorCodes.RelayFailed"/>: the vault would refuse, or did, and nothing has changed;
    /// <see cref="ErrorCodes.RelayerUnavailable"/>: the node cannot be asked.</exception>
    public Task<string> CreateAndPayOrderAsync(OrderTerms terms, string providerSignature, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(terms);
        return SendAsync(new CreateAndPayOrderFunction { Order = terms.ToChain(), ProviderSig = providerSignature.HexToByteArray() }, cancellationToken);
    }

    /// <summary>The same by the Requester's authorization, as anyone.</summary>
    /// <param name="terms">What both consent to; the authorization is the Requester's consent.</param>
    /// <param name="providerSignature">The Provider's consent, 0x-prefixed; <c>0x</c> where the order is created already.</param>
    /// <param name="authorization">The Requester's, 0x-prefixed: see <see cref="OrderAuthorization"/>.</param>
    /// <param name="cancellationToken">Stops waiting; a transaction that is sent may be mined all the same.</param>
    /// <exception cref="CapApiException"><see cref="ErrorCodes.RelayFailed"/>: the vault would refuse, or did, and nothing has changed;
    /// <see cref="ErrorCodes.RelayerUnavailable"/>: the node cannot be asked.</exception>
    public Task<string> CreateAndPayOrderWithAuthorizationAsync(OrderTerms terms, string providerSignature, string authorization, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(terms);
        var call = new CreateAndPayOrderWithAuthorizationFunction
        {
            Order = terms.ToChain(),
            ProviderSig = providerSignature.HexToByteArray(),
            Authorization = authorization.HexToByteArray(),
        };
        return SendAsync(call, cancellationToken);
    }

    /// <summary>Pays a created order by its Requester's authorization, as anyone. Returns the transaction, mined.</summary>
    /// <param name="chainOrderId">The 0x-prefixed orderId.</param>
    /// <param name="authorization">The Requester's, 0x-prefixed: see <see cref="OrderAuthorization"/>.</param>
    /// <param name="cancellationToken">Stops waiting; a transaction that is sent may be mined all the same.</param>
    /// <exception cref="CapApiException"><see cref="ErrorCodes.OrderNotFound"/>: the node knows no such order; <see cref="ErrorCodes.RelayFailed"/>: the vault
    /// would refuse, or did, and nothing has changed; <see cref="ErrorCodes.RelayerUnavailable"/>: the node cannot be asked.</exception>
    public async Task<string> PayOrderWithAuthorizationAsync(string chainOrderId, string authorization, CancellationToken cancellationToken = default) => await SendAsync(
        new PayOrderWithAuthorizationFunction { Order = await FindAsync(chainOrderId, cancellationToken), Authorization = authorization.HexToByteArray() }, cancellationToken);

    private async Task<ChainOrder> FindAsync(string chainOrderId, CancellationToken cancellationToken)
    {
        var orderId = chainOrderId.Length == 66 && chainOrderId.IsHex()
            ? chainOrderId.HexToByteArray()
            : throw new ArgumentException($"Found '{chainOrderId}', expected the order's id on chain: 0x and 64 hex digits.", nameof(chainOrderId));
        var created = new Event<OrderCreatedEventDTO>(_web3.Client, _deployment.Vault);
        var filter = created.CreateFilterInput([orderId], new BlockParameter(_deployment.DeployBlock), BlockParameter.CreateLatest());
        var logs = await NodeCalls.AskAsync(_rpcUrl, () => created.GetAllChangesAsync(filter).WaitAsync(cancellationToken));
        // The orderId is the hash of the terms, so a node that lies shows nothing.
        return logs.Select(log => log.Event.Order).FirstOrDefault(order => _orders.OrderId(order).AsSpan().SequenceEqual(orderId))
            ?? throw new CapApiException(0, ErrorCodes.OrderNotFound, $"The node knows no order {chainOrderId} of the vault {_deployment.Vault}. Is it created, and is the node one of chain {_deployment.ChainId}?");
    }

    private async Task<string> SendAsync<T>(T call, CancellationToken cancellationToken)
        where T : FunctionMessage, new() => NodeCalls.Proven(await NodeCalls.AskAsync(
            _rpcUrl, () => _web3.Eth.GetContractTransactionHandler<T>().SendRequestAndWaitForReceiptAsync(_deployment.Vault, call, cancellationToken)));

    private static byte[] HashOf(string reason) => DeliverableHash.Keccak256(Encoding.UTF8.GetBytes(reason));
}

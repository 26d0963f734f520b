using System.Numerics;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Accounts;
using Nethereum.RPC.NonceServices;
using Nethereum.RPC.TransactionManagers;
using Nethereum.Signer;

namespace Nethereum.Web3.Accounts;

/// <summary>An account whose private key signs here.</summary>
public class Account : IAccount
{
    /// <param name="chainId">Null asks the node.</param>
    public Account(EthECKey key, BigInteger? chainId = null)
    {
        PrivateKey = key.GetPrivateKey();
        PublicKey = key.GetPubKey().ToHex();
        Address = key.GetPublicAddress();
        ChainId = chainId;
        TransactionManager = new SigningTransactionManager(client: null, this, key, chainId);
    }

    public Account(string privateKey, BigInteger? chainId = null) : this(new EthECKey(privateKey), chainId)
    {
    }

    public Account(byte[] privateKey, BigInteger? chainId = null) : this(new EthECKey(privateKey, isPrivate: true), chainId)
    {
    }

    public BigInteger? ChainId { get; }

    /// <summary>Hexadecimal with 0x.</summary>
    public string PrivateKey { get; }

    public string PublicKey { get; }

    public string Address { get; protected set; }

    public ITransactionManager TransactionManager { get; protected set; }

    public INonceService NonceService { get; set; }
}
